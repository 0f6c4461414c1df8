//! Admission of a client, and its end.

use super::ending::{abandon, owe};
use crate::{
    checked::{Checked, Policy},
    state::{Admission, Cluster, Entry, Order, Redis, Seat, Socket, Stage, Standing},
};

pub(super) fn vet(checked: &Checked, cluster: &mut Cluster, number: usize) -> bool {
    let time = cluster.time;
    let node = &mut cluster.nodes[number];
    let may_connect = cluster.sockets < checked.connects && node.admission.is_none();
    if !may_connect || !node.reaches() || !node.serves(time) {
        return false;
    }
    cluster.sockets += 1;
    let (generation, term) = (cluster.redis.generation, node.incarnation);
    let socket = Socket { number: cluster.sockets, generation, term };
    node.admission = Some(Admission { socket, stage: Stage::Vetted, waits_for: Vec::new() });
    true
}

pub(super) fn reserve(checked: &Checked, cluster: &mut Cluster, number: usize) -> bool {
    let (time, node) = (cluster.time, &mut cluster.nodes[number]);
    let Some(admission) = node.admission.as_mut().filter(|it| it.stage == Stage::Vetted) else {
        return false;
    };
    if node.is_cut {
        return false;
    }
    if checked.counts() {
        let incarnation = admission.socket.term;
        let is_away =
            !cluster.redis.is_member(number, incarnation, time) || time < cluster.redis.seats_from;
        drop_dead_rows(&mut cluster.redis, time);
        if is_away || (checked.policy == Policy::RefuseNew && !cluster.redis.seats.is_empty()) {
            node.admission = None;
            return true;
        }
        let socket = admission.socket.number;
        let standing = Standing::Reserved;
        cluster.redis.seats.push(Seat { node: number, incarnation, socket, standing });
        // No credential is revoked where connections are counted, so there is nothing to read again.
        admission.stage = Stage::ReadAgain;
        return true;
    }
    admission.stage = Stage::Registered;
    true
}

pub(super) fn drop_dead_rows(redis: &mut Redis, time: u8) {
    let seats = std::mem::take(&mut redis.seats);
    let alive = |seat: &Seat| redis.is_member(seat.node, seat.incarnation, time);
    redis.seats = seats.into_iter().filter(alive).collect();
}

pub(super) fn read_epoch(checked: &Checked, cluster: &mut Cluster, number: usize) -> bool {
    let node = &mut cluster.nodes[number];
    let Some(admission) = node.admission.as_mut().filter(|it| it.stage == Stage::Registered) else {
        return false;
    };
    if node.is_cut {
        return false;
    }
    if admission.socket.generation == cluster.redis.generation {
        admission.stage = Stage::ReadAgain;
    } else {
        abandon(checked, cluster, number);
    }
    true
}

pub(super) fn commit(checked: &Checked, cluster: &mut Cluster, number: usize) -> bool {
    let (time, node) = (cluster.time, &mut cluster.nodes[number]);
    let Some(admission) = node.admission.as_mut().filter(|it| it.stage == Stage::ReadAgain) else {
        return false;
    };
    if node.is_cut {
        return false;
    }
    if checked.counts() {
        drop_dead_rows(&mut cluster.redis, time);
        let socket = admission.socket.number;
        let Some(own) = cluster.redis.seats.iter_mut().find(|seat| seat.socket == socket) else {
            abandon(checked, cluster, number);
            return true;
        };
        own.standing = Standing::Taken;
        let redis = &mut cluster.redis;
        for seat in redis.seats.iter_mut().filter(|seat| seat.socket != socket) {
            if seat.standing == Standing::Taken {
                seat.standing = Standing::Lost;
                redis
                    .orders
                    .push(Entry { at: time, order: Order::Replaced { socket: seat.socket } });
            }
            if seat.standing == Standing::Lost {
                admission.waits_for.push(seat.socket);
            }
        }
    }
    admission.stage = Stage::Committed;
    true
}

pub(super) fn admit(checked: &Checked, cluster: &mut Cluster, number: usize) -> bool {
    let (time, node) = (cluster.time, &mut cluster.nodes[number]);
    let Some(admission) = node.admission.as_ref().filter(|it| it.stage == Stage::Committed) else {
        return false;
    };
    let socket = admission.socket;
    if !admission.waits_for.is_empty() {
        // The look for replaced sockets needs Redis.
        if node.is_cut {
            return false;
        }
        drop_dead_rows(&mut cluster.redis, time);
        let sits =
            |seat: &Seat| seat.socket == socket.number && seat.standing != Standing::Reserved;
        if !cluster.redis.seats.iter().any(sits) {
            // Writes were lost, and a replaced socket may still be served.
            abandon(checked, cluster, number);
            return true;
        }
        if cluster.redis.seats.iter().any(|seat| admission.waits_for.contains(&seat.socket)) {
            return false;
        }
    }
    node.admission = None;
    if node.serves(time) && socket.term == node.incarnation {
        node.sockets.push(socket);
    } else {
        owe(checked, node, [socket]);
    }
    true
}

pub(super) fn leave(checked: &Checked, cluster: &mut Cluster, number: usize) -> bool {
    let node = &mut cluster.nodes[number];
    if node.sockets.is_empty() {
        return false;
    }
    let socket = node.sockets.remove(0);
    owe(checked, node, [socket]);
    true
}

pub(super) fn release(cluster: &mut Cluster, number: usize) -> bool {
    let node = &mut cluster.nodes[number];
    if !node.reaches() || node.owed.is_empty() {
        return false;
    }
    let owed = std::mem::take(&mut node.owed);
    cluster.redis.seats.retain(|seat| !owed.contains(&seat.socket));
    true
}
