//! Reserves and commits the seat of a socket that is about to enter.
//!
//! The seat store only counts. Before a client is refused, the holders of the seats are probed
//! here, so that a dead connection locks no user out. Replaced sockets have closed before the new
//! socket enters, so that there are never more than the policy allows. A revocation in the moment of
//! entry is handled in `admit`.

use std::{
    future::Future,
    pin::Pin,
    task::Poll,
    time::{Duration, Instant},
};

use doorward_core::{
    DisconnectReason, Holder, LinkId, Refusal, Reservation, Seat, SeatError, SeatRequest, UserId,
};

use crate::{
    admission::vetting::Policy,
    link::seam::NotAdmitted,
    presence::{principals::end_all, services::Services},
    room::socket::Socket,
};

/// Reserves a seat. If none is free, its holders are probed before the client is refused.
pub(crate) async fn reserve<P: Send + Sync + 'static>(
    policy: &Policy<P>,
    socket: &Socket<P>,
    services: &Services,
) -> Result<Box<dyn Reservation>, NotAdmitted> {
    let (user, link) = (socket.user(), socket.link().id());
    let (id, namespace) = (socket.id(), socket.namespace());
    let request = SeatRequest::new(&services.node, user, id, link, namespace)
        .with_links(policy.links)
        .with_sockets(policy.sockets);
    let (mut patience, mut gone) = (None, None);
    // Repeated, because a second limit may block the client after the first, and another socket may
    // take a seat that has become free.
    loop {
        let holders = match policy.seats.reserve(request).await {
            Err(SeatError::Full(holders)) => holders,
            reserved => return reserved.map_err(|error| no_seat(error, user)),
        };
        // The time starts after the first answer of the store: a slow store does not shorten it.
        let now = services.clock.now();
        let patience = *patience.get_or_insert(now + PROBED_WITHIN);
        if now >= patience {
            // Not a refusal: a holder is gone and its seat is about to be free, so the client
            // should reconnect.
            return Err(NotAdmitted::unavailable(None));
        }
        match first_gone(&holders, patience, services).await {
            None => return Err(no_seat(SeatError::Full(holders), user)),
            // The same holder as before: its link has ended, and its seat is not released yet.
            Some(link) if gone == Some(link) => {
                services.clock.sleep_until(services.clock.now() + BETWEEN_LOOKS).await;
            }
            Some(link) => gone = Some(link),
        }
    }
}

/// Commits the reservation, and ends the sockets that lose their seats to it.
pub(crate) async fn commit(
    reservation: Box<dyn Reservation>,
    user: &UserId,
    services: &Services,
) -> Result<Box<dyn Seat>, NotAdmitted> {
    let taken = reservation.commit().await.map_err(|error| no_seat(error, user))?;
    if !taken.replaced.is_empty() {
        let replaced = taken.replaced.iter().filter_map(|socket| services.registry.socket(*socket));
        let replaced: Vec<_> = replaced.collect();
        // If one of them has not closed in time, there would be more than the policy allows.
        if end_all(services, &replaced, DisconnectReason::Replaced).await < replaced.len() {
            return Err(NotAdmitted::unavailable(None));
        }
    }
    Ok(taken.seat)
}

/// Probes all holders, and returns the first link that has ended; `None` if all of them are alive.
///
/// A probe ends the link of a client that does not answer, which frees its seats.
async fn first_gone(holders: &[Holder], patience: Instant, services: &Services) -> Option<LinkId> {
    let mut waiting = Vec::with_capacity(holders.len());
    // Only this node can probe its links; a link of another node counts as alive.
    for Holder { link, .. } in holders.iter().filter(|holder| holder.node == services.node) {
        // A link that is no longer registered has released its seats.
        let Some(handle) = services.registry.link(*link) else { return Some(*link) };
        waiting.push((*link, handle.probe()));
    }
    let first_gone_or_all_alive = std::future::poll_fn(|cx| {
        let mut gone = None;
        waiting.retain_mut(|(link, probe)| match Pin::new(probe).poll(cx) {
            Poll::Pending => true,
            Poll::Ready(answer) => {
                gone = gone.or_else(|| answer.is_err().then_some(*link));
                false
            }
        });
        if gone.is_some() || waiting.is_empty() { Poll::Ready(gone) } else { Poll::Pending }
    });
    // A probe reports within `PATIENCE` of the link. One that does not belongs to a link whose task
    // is not scheduled, which says nothing about the client: it counts as alive.
    let left = patience.saturating_duration_since(services.clock.now());
    services.within(left, first_gone_or_all_alive).await.flatten()
}

fn no_seat(error: SeatError, user: &UserId) -> NotAdmitted {
    match error {
        SeatError::Full(_) => {
            NotAdmitted::Refused { refusal: Refusal::already_connected(), user: Some(user.clone()) }
        }
        error => NotAdmitted::unavailable(Some(error.into())),
    }
}

/// Time limit for all probes of one reservation. The waiting client has `admission_timeout`, 5 s by
/// default.
const PROBED_WITHIN: Duration = Duration::from_secs(2);

/// Interval between reservations while a holder is gone and its seat is not released yet.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
