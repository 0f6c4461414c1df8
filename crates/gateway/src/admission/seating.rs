//! Reserves and commits the seat of a socket that is about to enter a namespace.
//!
//! A seat is one of the connections that a user may have. The seat store only counts seats. Before
//! a client is refused, this module probes the holders of the seats, so that a dead connection does
//! not lock out its user. Replaced sockets close before the new socket enters, so that the number
//! of sockets never exceeds the policy. A revocation during the admission is handled in `admit`.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use doorward_core::{
    BoxFuture, DisconnectReason, Holder, Refusal, Reservation, Seat, SeatError, SeatRequest,
    UserId,
    cluster::{Answer, Order},
};
use futures_util::{StreamExt as _, future::join_all, stream::FuturesUnordered};

use crate::{
    admission::vetting::Policy, link::seam::NotAdmitted, presence::services::Services,
    room::socket::Socket,
};

/// Reserves a seat for a socket. If no seat is free, the holders of the seats are probed. The
/// client is refused only if all of them are alive.
pub(crate) async fn reserve<P: Send + Sync + 'static>(
    policy: &Policy<P>,
    socket: &Socket<P>,
    services: &Services,
) -> Result<Box<dyn Reservation>, NotAdmitted> {
    let (user, link) = (socket.user(), socket.link().number());
    let (id, namespace) = (socket.id(), socket.namespace());
    let request = SeatRequest::new(&services.node, user, id, link, namespace)
        .with_links(policy.links)
        .with_sockets(policy.sockets);
    let (mut patience, mut gone) = (None, HashSet::new());
    // The reservation is repeated, because a second limit may block the client after the first one,
    // and because another socket may take a seat that has become free.
    loop {
        let holders = match policy.seats.reserve(request).await {
            Err(SeatError::Full(holders)) => holders,
            reserved => return reserved.map_err(|error| no_seat(error, user)),
        };
        // The time limit starts after the first answer of the store, so that a slow store does not
        // shorten it.
        let now = services.clock.now();
        let patience = *patience.get_or_insert(now + PROBED_WITHIN);
        if now >= patience {
            // The client is not refused. A holder is gone and its seat is about to become free, so
            // the client should reconnect.
            return Err(NotAdmitted::unavailable(None));
        }
        // A link that has ended has not released its seat yet. It is not probed again.
        if holders.iter().any(|holder| gone.contains(holder)) {
            services.clock.sleep_until(services.clock.now() + BETWEEN_LOOKS).await;
            continue;
        }
        match probe(&holders, patience, services).await {
            Probed::Alive => return Err(no_seat(SeatError::Full(holders), user)),
            // The node of a holder does not answer. Nothing is known about the client, so it is not
            // refused for good. It comes back, and its answer is known when the lease of the node ends.
            Probed::Unknown => return Err(NotAdmitted::unavailable(None)),
            Probed::Gone(holder) => _ = gone.insert(holder),
        }
    }
}

/// Commits the reservation, closes the sockets that the reservation replaces, and returns the seat.
/// If one of these sockets does not close in time, the seat is released and an error is returned.
pub(crate) async fn commit(
    reservation: Box<dyn Reservation>,
    user: &UserId,
    services: &Services,
) -> Result<Box<dyn Seat>, NotAdmitted> {
    let taken = reservation.commit().await.map_err(|error| no_seat(error, user))?;
    if !taken.replaced.is_empty() {
        let replaced = taken.replaced.iter().filter_map(|socket| services.registry.socket(*socket));
        let replaced: Vec<_> = replaced.collect();
        // If a replaced socket has not closed in time, the new socket would exceed the policy.
        // All sockets are told to end before the first one is awaited.
        for resident in &replaced {
            resident.cut(DisconnectReason::Replaced);
        }
        let closed = join_all(replaced.iter().map(|resident| resident.closed()));
        if services.within(CLOSED_WITHIN, closed).await.is_none() {
            return Err(NotAdmitted::unavailable(None));
        }
    }
    Ok(taken.seat)
}

/// Result of probing the holders of the seats of a user.
#[derive(Debug)]
enum Probed {
    /// No probed holder has ended.
    Alive,
    /// This holder has ended, which frees its seats.
    Gone(Holder),
    /// The node of a holder has not answered.
    Unknown,
}

/// Probes the holders, until one of them has ended or all have answered. A probe ends the link of a
/// client that does not answer. At most [`PROBED_ELSEWHERE`] of them on other nodes are probed, and
/// further ones count as alive.
async fn probe(holders: &[Holder], patience: Instant, services: &Services) -> Probed {
    let is_here = |holder: &&Holder| holder.node == services.node;
    let (here, elsewhere): (Vec<_>, Vec<_>) = holders.iter().partition(is_here);
    // All links of this node are told before the first one is awaited.
    let mut waiting: FuturesUnordered<BoxFuture<'_, Probed>> = FuturesUnordered::new();
    for holder in here {
        // A link that is no longer registered has released its seats.
        let Some(handle) = services.registry.link(holder.link) else {
            return Probed::Gone(holder.clone());
        };
        let answer = handle.probe();
        waiting.push(Box::pin(async move {
            if answer.await.is_ok() { Probed::Alive } else { Probed::Gone(holder.clone()) }
        }));
    }
    let has_others = !elsewhere.is_empty();
    for holder in elsewhere.into_iter().take(PROBED_ELSEWHERE) {
        waiting.push(Box::pin(probe_elsewhere(holder, services)));
    }
    let mut is_unknown = false;
    let first_gone_or_all_known = async {
        while let Some(probed) = waiting.next().await {
            match probed {
                Probed::Gone(holder) => return Some(holder),
                Probed::Unknown => is_unknown = true,
                Probed::Alive => {}
            }
        }
        None
    };
    let left = patience.saturating_duration_since(services.clock.now());
    match services.within(left, first_gone_or_all_known).await {
        Some(Some(holder)) => Probed::Gone(holder),
        Some(None) if !is_unknown => Probed::Alive,
        // A link reports the result of a probe within its `PATIENCE`. If it does not, its task is not
        // scheduled. That does not prove that the client is dead, so a link of this node counts as
        // alive.
        None if !has_others => Probed::Alive,
        _ => Probed::Unknown,
    }
}

/// Lets another node probe one of its links.
async fn probe_elsewhere(holder: &Holder, services: &Services) -> Probed {
    let (Some(cluster), Some(incarnation)) = (&services.cluster, holder.incarnation) else {
        // The store counts other nodes, and this server has no way to ask them.
        return Probed::Alive;
    };
    let order = Order::Probe { incarnation, link: holder.link };
    let Ok(mut receipt) = cluster.order(&order, services.clock.wall()).await else {
        return Probed::Unknown;
    };
    receipt.members.retain(|member| member.incarnation == incarnation);
    if receipt.members.is_empty() {
        // The node is not a member any more, so its seats are free.
        return Probed::Gone(holder.clone());
    }
    // The caller limits the time.
    loop {
        let answers = cluster.answers(&receipt).await.unwrap_or_default();
        match answers.first() {
            Some((_, Answer::Lapsed)) => return Probed::Gone(holder.clone()),
            Some((_, Answer::Done(outcome))) if outcome.is_complete() => {
                let is_gone = outcome.ended > 0;
                return if is_gone { Probed::Gone(holder.clone()) } else { Probed::Alive };
            }
            _ => {}
        }
        services.clock.sleep_until(services.clock.now() + BETWEEN_LOOKS).await;
    }
}

fn no_seat(error: SeatError, user: &UserId) -> NotAdmitted {
    match error {
        SeatError::Full(_) => {
            NotAdmitted::Refused { refusal: Refusal::already_connected(), user: Some(user.clone()) }
        }
        error => NotAdmitted::unavailable(Some(error.into())),
    }
}

/// Time limit for all probes of one reservation. The whole admission may take `admission_timeout`,
/// which is 5 s by default.
const PROBED_WITHIN: Duration = Duration::from_secs(2);

/// Time to wait before the next attempt to reserve a seat, if the link that holds the seat has
/// ended but has not released it yet. It is also the interval between questions about a probe on
/// another node.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Maximum number of links on other nodes that are probed for one reservation, because all nodes read
/// each probe.
const PROBED_ELSEWHERE: usize = 8;

/// Time limit for replaced sockets to close. Each link ends its sockets the next time that its task is
/// polled, so only a handler that blocks its thread reaches the limit.
const CLOSED_WITHIN: Duration = Duration::from_secs(2);
