//! Steps of a cluster. Each has the name of the function that it stands for.

mod admission;
mod ending;
mod membership;

use self::{
    admission::{admit, commit, leave, read_epoch, release, reserve, vet},
    ending::abandon,
    membership::{confirm, end_all, extend, join, read_order, renew, send_renewal},
};
use crate::{
    checked::{Checked, MARGIN, SETTLED_AFTER},
    state::{Cluster, Entry, Order, Redis, Revocation},
};

/// One step. The number is that of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Time passes.
    Tick,
    /// `membership::join`.
    Join(usize),
    /// `membership::extend` sends its request.
    SendRenewal(usize),
    /// `renew.lua`.
    Renew(usize),
    /// `membership::extend` gets its answer.
    Extend(usize),
    /// `membership::end_all`, after the lease is lost.
    EndAll(usize),
    /// `reading::read_orders`, one order.
    ReadOrder(usize),
    /// `reading::confirm`, and `confirm.lua`.
    Confirm(usize),
    /// `vetting::vet`: a client shows a credential of the current generation, or of an earlier one.
    Vet(usize),
    /// `seating::reserve`, `reserve.lua`, and the registration of the socket.
    Reserve(usize),
    /// `vetting::read_epoch`, the second time.
    ReadEpoch(usize),
    /// `commit.lua`.
    Commit(usize),
    /// `seating::commit`, once the replaced sockets have closed. The link admits the socket.
    Admit(usize),
    /// The client leaves, or a time limit passes, in the middle of its admission.
    Abandon(usize),
    /// The client of the first socket leaves.
    Leave(usize),
    /// `release.lua`.
    Release(usize),
    /// `Principals::revoke`.
    Revoke(usize),
    /// The node does not reach Redis any more.
    Cut(usize),
    /// The node reaches Redis again.
    Heal(usize),
    /// SIGSTOP.
    Stop(usize),
    /// SIGCONT.
    Continue(usize),
    /// Redis continues with a state in which its last writes are missing. `adopt.lua` begins an era.
    LoseTail,
    /// A replica has caught up.
    Replicate,
}

/// Collects the steps that are possible now.
pub fn possible(checked: &Checked, cluster: &Cluster, steps: &mut Vec<Step>) {
    if cluster.time < checked.until {
        steps.push(Step::Tick);
    }
    let may_fail = cluster.faults < checked.faults;
    if checked.loses {
        if cluster.replica != cluster.redis {
            steps.push(Step::Replicate);
        }
        if may_fail {
            steps.push(Step::LoseTail);
        }
    }
    for (number, node) in cluster.nodes.iter().enumerate() {
        if node.is_stopped {
            steps.push(Step::Continue(number));
            continue;
        }
        if checked.may_fail(number) {
            if may_fail {
                steps.push(Step::Stop(number));
                if !node.is_cut {
                    steps.push(Step::Cut(number));
                }
            }
            steps.extend([Step::SendRenewal(number), Step::Extend(number), Step::Confirm(number)]);
        } else if !checked.counts() {
            // The nodes are alike, so only one of them has the caller of `revoke`.
            steps.push(Step::Revoke(number));
        }
        if node.is_cut {
            steps.push(Step::Heal(number));
        }
        steps.extend([
            Step::Join(number),
            Step::Renew(number),
            Step::EndAll(number),
            Step::ReadOrder(number),
            Step::Vet(number),
            Step::Reserve(number),
            Step::ReadEpoch(number),
            Step::Commit(number),
            Step::Admit(number),
        ]);
        if checked.counts() {
            steps.extend([Step::Abandon(number), Step::Leave(number), Step::Release(number)]);
        }
    }
}

/// Takes a step. Returns `false` if it is not possible or changes nothing.
pub fn take(checked: &Checked, cluster: &mut Cluster, step: Step) -> bool {
    let before = cluster.clone();
    let is_taken = match step {
        Step::Tick => {
            cluster.time += 1;
            true
        }
        Step::LoseTail => lose_tail(cluster),
        Step::Replicate => {
            cluster.replica = cluster.redis.clone();
            true
        }
        Step::Cut(node) => fault(cluster, |cluster| cluster.nodes[node].is_cut = true),
        Step::Heal(node) => {
            cluster.nodes[node].is_cut = false;
            true
        }
        Step::Stop(node) => fault(cluster, |cluster| cluster.nodes[node].is_stopped = true),
        Step::Continue(node) => {
            cluster.nodes[node].is_stopped = false;
            true
        }
        Step::Join(node) => join(checked, cluster, node),
        Step::SendRenewal(node) => send_renewal(cluster, node),
        Step::Renew(node) if checked.may_fail(node) => renew(cluster, node),
        // Nothing happens between the parts of the step on a node that does not fail.
        Step::Renew(node) => {
            send_renewal(cluster, node) && renew(cluster, node) && extend(cluster, node)
        }
        Step::Extend(node) => extend(cluster, node),
        Step::EndAll(node) => end_all(checked, cluster, node),
        Step::ReadOrder(node) if checked.may_fail(node) => read_order(checked, cluster, node),
        Step::ReadOrder(node) => read_order(checked, cluster, node) && confirm(cluster, node),
        Step::Confirm(node) => confirm(cluster, node),
        Step::Vet(node) => vet(checked, cluster, node),
        Step::Reserve(node) => reserve(checked, cluster, node),
        Step::ReadEpoch(node) => read_epoch(checked, cluster, node),
        Step::Commit(node) => commit(checked, cluster, node),
        Step::Admit(node) => admit(checked, cluster, node),
        Step::Abandon(node) => {
            cluster.nodes[node].admission.is_some() && {
                abandon(checked, cluster, node);
                true
            }
        }
        Step::Leave(node) => leave(checked, cluster, node),
        Step::Release(node) => release(cluster, node),
        Step::Revoke(node) => revoke(cluster, node),
    };
    is_taken && *cluster != before
}

fn fault(cluster: &mut Cluster, fault: impl FnOnce(&mut Cluster)) -> bool {
    cluster.faults += 1;
    fault(cluster);
    true
}

fn lose_tail(cluster: &mut Cluster) -> bool {
    cluster.faults += 1;
    let (era, generation, time) = (cluster.redis.era, cluster.redis.generation, cluster.time);
    cluster.redis = Redis {
        era: era + 1,
        // The floor: what was issued before is refused. The generation grows with the clock in the code.
        generation: generation + 1,
        members: Vec::new(),
        seats_from: time + SETTLED_AFTER,
        ..cluster.replica.clone()
    };
    true
}

fn revoke(cluster: &mut Cluster, number: usize) -> bool {
    if cluster.revocation.is_some() || !cluster.nodes[number].reaches() {
        return false;
    }
    let (time, redis) = (cluster.time, &mut cluster.redis);
    redis.generation += 1;
    let generation = redis.generation;
    redis.orders.push(Entry { at: time, order: Order::User { generation } });
    let members = redis.members.iter().filter(|lease| lease.until + MARGIN > time);
    let members = members.map(|lease| (lease.node, lease.incarnation)).collect();
    cluster.revocation =
        Some(Revocation { at: time, generation, era: redis.era, position: redis.last(), members });
    true
}
