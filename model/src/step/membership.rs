//! Membership of a node, and the orders that it reads.

use super::ending::{abandon, owe};
use crate::{
    checked::{Checked, LEASE, MARGIN},
    state::{Admission, Cluster, Lease, Order, Renewing, Socket, Stage},
};

pub(super) fn join(checked: &Checked, cluster: &mut Cluster, number: usize) -> bool {
    let node = &mut cluster.nodes[number];
    let is_outside = node.incarnation == 0 || node.until <= cluster.time;
    if !node.reaches() || !is_outside || node.renewing.is_some() || node.joins >= checked.joins {
        return false;
    }
    let own = node.incarnation;
    cluster.redis.members.retain(|lease| (lease.node, lease.incarnation) != (number, own));
    node.incarnation += 1;
    node.joins += 1;
    node.era = cluster.redis.era;
    node.read = cluster.redis.last();
    // The request is sent and answered in one tick here. `SendRenewal` covers requests that take longer.
    node.until = cluster.time + LEASE - MARGIN;
    node.owed.clear();
    cluster.redis.members.push(Lease {
        node: number,
        incarnation: node.incarnation,
        until: cluster.time + LEASE,
        read: node.read,
    });
    true
}

pub(super) fn send_renewal(cluster: &mut Cluster, number: usize) -> bool {
    let node = &mut cluster.nodes[number];
    if !node.reaches() || node.renewing.is_some() || node.until <= cluster.time {
        return false;
    }
    node.renewing = Some(Renewing { sent: cluster.time, answer: None });
    true
}

/// The request arrives, also if the node was cut off or stopped after it was sent.
pub(super) fn renew(cluster: &mut Cluster, number: usize) -> bool {
    let node = &mut cluster.nodes[number];
    let Some(Renewing { answer: answer @ None, .. }) = &mut node.renewing else { return false };
    let (time, redis) = (cluster.time, &mut cluster.redis);
    let last = redis.last();
    let same_era = redis.era == node.era;
    let oldest = redis.orders.get(usize::from(node.read)).map(|entry| entry.at);
    let own = |lease: &&mut Lease| (lease.node, lease.incarnation) == (number, node.incarnation);
    let lease = redis.members.iter_mut().find(own);
    let lease = lease.filter(|lease| same_era && lease.until > time && node.read <= last);
    let ends = oldest.map_or(time, |at| at.min(time)) + LEASE;
    *answer = Some(lease.filter(|_| ends > time).map(|lease| {
        (lease.until, lease.read) = (ends, node.read);
        ends - time
    }));
    true
}

pub(super) fn extend(cluster: &mut Cluster, number: usize) -> bool {
    let node = &mut cluster.nodes[number];
    let Some(Renewing { sent, answer: Some(answer) }) = node.renewing else { return false };
    if !node.reaches() {
        return false;
    }
    node.renewing = None;
    match answer {
        // A lease that is lost is not extended by an answer that comes late.
        Some(left) if node.until > cluster.time => {
            node.until = (sent + left).saturating_sub(MARGIN);
        }
        _ => node.until = node.until.min(cluster.time),
    }
    true
}

pub(super) fn end_all(checked: &Checked, cluster: &mut Cluster, number: usize) -> bool {
    let node = &mut cluster.nodes[number];
    if node.is_stopped || cluster.time < node.until {
        return false;
    }
    let ended = std::mem::take(&mut node.sockets);
    owe(checked, node, ended);
    // Before an answer to an earlier request could be taken for one of the next membership.
    node.renewing = None;
    true
}

pub(super) fn read_order(checked: &Checked, cluster: &mut Cluster, number: usize) -> bool {
    let node = &mut cluster.nodes[number];
    if !node.reaches() || node.era != cluster.redis.era || cluster.time >= node.until {
        return false;
    }
    let Some(entry) = cluster.redis.orders.get(usize::from(node.read)) else { return false };
    node.read += 1;
    let order = entry.order;
    carry_out(checked, cluster, number, order);
    true
}

/// `orders::begin`: ends the sockets of an order, also those that are being admitted.
pub(super) fn carry_out(checked: &Checked, cluster: &mut Cluster, number: usize, order: Order) {
    let is_meant = |socket: &Socket| match order {
        Order::User { generation } => socket.generation < generation,
        Order::Replaced { socket: replaced } => socket.number == replaced,
    };
    let node = &mut cluster.nodes[number];
    let ending: Vec<_> = node.sockets.iter().copied().filter(|it| is_meant(it)).collect();
    node.sockets.retain(|socket| !is_meant(socket));
    owe(checked, node, ending);
    let is_registered = |admission: &Admission| admission.stage != Stage::Vetted;
    if node.admission.as_ref().is_some_and(|it| is_registered(it) && is_meant(&it.socket)) {
        abandon(checked, cluster, number);
    }
}

pub(super) fn confirm(cluster: &mut Cluster, number: usize) -> bool {
    let node = &cluster.nodes[number];
    if !node.reaches() || node.era != cluster.redis.era {
        return false;
    }
    let own = |lease: &&mut Lease| (lease.node, lease.incarnation) == (number, node.incarnation);
    let Some(lease) = cluster.redis.members.iter_mut().find(own) else { return false };
    if lease.until + MARGIN <= cluster.time {
        return false;
    }
    lease.read = lease.read.max(node.read);
    true
}
