//! The promises, as rules about every state.

use stateright::Property;

use crate::{
    checked::{Checked, SETTLED_AFTER},
    state::{Cluster, Lease, Node, Revocation, Socket},
};

/// Returns the rules that apply. Those that begin with `sometimes` make sure that the checker reaches the states that
/// the others are about.
#[must_use]
pub fn all(checked: &Checked) -> Vec<Property<Checked>> {
    let served = Property::<Checked>::sometimes("a socket is served", |_, it| served(it) > 0);
    if checked.counts() {
        return vec![
            served,
            Property::<Checked>::always("promise 5: one connection", |_, it| self::served(it) <= 1),
            Property::<Checked>::sometimes("a second client is admitted", |_, it| {
                it.nodes.iter().any(|node| node.sockets.iter().any(|socket| socket.number > 1))
            }),
        ];
    }
    vec![
        served,
        Property::<Checked>::always("promise 3: settled in time", |_, it| is_settled_in_time(it)),
        Property::<Checked>::always("promise 4: no false confirmation", |_, it| {
            no_false_confirmation(it)
        }),
        Property::<Checked>::sometimes("a revocation is confirmed", |_, it| {
            it.revocation.is_some() && answered(it).next().is_some()
        }),
        Property::<Checked>::sometimes("a revoked socket is still served", |_, it| {
            it.nodes.iter().any(|node| revoked(it, node).next().is_some())
        }),
    ]
}

/// From its time limit on, a revocation holds on every node, also on one that cannot be reached.
fn is_settled_in_time(cluster: &Cluster) -> bool {
    let is_due = |it: &Revocation| cluster.time >= it.at + SETTLED_AFTER;
    !cluster.revocation.as_ref().is_some_and(is_due)
        || cluster.nodes.iter().all(|node| revoked(cluster, node).next().is_none())
}

/// A member that `answers.lua` calls done or lapsed serves no revoked socket.
fn no_false_confirmation(cluster: &Cluster) -> bool {
    answered(cluster).all(|(number, incarnation)| {
        let node = &cluster.nodes[number];
        revoked(cluster, node).all(|socket| socket.term != incarnation)
    })
}

/// Returns the members of the receipt that are done or lapsed, as `answers.lua` tells the caller now.
fn answered(cluster: &Cluster) -> impl Iterator<Item = (usize, u8)> {
    let same_era = |it: &&Revocation| it.era == cluster.redis.era;
    cluster.revocation.iter().filter(same_era).flat_map(|revocation| {
        revocation.members.iter().copied().filter(|(node, incarnation)| {
            let own = |it: &&Lease| (it.node, it.incarnation) == (*node, *incarnation);
            let lease = cluster.redis.members.iter().find(own);
            !cluster.redis.is_member(*node, *incarnation, cluster.time)
                || lease.is_some_and(|lease| lease.read >= revocation.position)
        })
    })
}

/// Returns the sockets of a revoked credential that a node serves.
fn revoked<'a>(cluster: &'a Cluster, node: &'a Node) -> impl Iterator<Item = &'a Socket> {
    let generation = cluster.revocation.as_ref().map_or(0, |it| it.generation);
    node.served(cluster.time).filter(move |socket| socket.generation < generation)
}

/// Returns the number of sockets that are served now.
fn served(cluster: &Cluster) -> usize {
    cluster.nodes.iter().map(|node| node.served(cluster.time).count()).sum()
}
