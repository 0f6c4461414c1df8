//! Reserves and commits the seat of a socket that is about to enter a namespace.
//!
//! A seat is one of the connections that a user may have. The seat store only counts seats. Before
//! a client is refused, this module probes the holders of the seats, so that a dead connection does
//! not lock out its user. Replaced sockets close before the new socket enters, so that the number
//! of sockets never exceeds the policy. A revocation during the admission is handled in `admit`.

use std::{
    future::Future,
    pin::Pin,
    task::Poll,
    time::{Duration, Instant},
};

use doorward_core::{
    DisconnectReason, Holder, LinkNumber, Refusal, Reservation, Seat, SeatError, SeatRequest,
    UserId,
};

use crate::{
    admission::vetting::Policy,
    link::seam::NotAdmitted,
    presence::{principals::end_all, services::Services},
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
    let (mut patience, mut gone) = (None, None);
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
        match first_gone(&holders, patience, services).await {
            None => return Err(no_seat(SeatError::Full(holders), user)),
            // The same link as in the previous round. It has ended, but its seat is not released
            // yet.
            Some(link) if gone == Some(link) => {
                services.clock.sleep_until(services.clock.now() + BETWEEN_LOOKS).await;
            }
            Some(link) => gone = Some(link),
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
        if end_all(services, &replaced, DisconnectReason::Replaced).await < replaced.len() {
            return Err(NotAdmitted::unavailable(None));
        }
    }
    Ok(taken.seat)
}

/// Probes all holders. Returns the first link that has ended, or `None` if all links count as
/// alive.
///
/// A probe ends the link of a client that does not answer, which frees its seats.
async fn first_gone(
    holders: &[Holder],
    patience: Instant,
    services: &Services,
) -> Option<LinkNumber> {
    let mut waiting = Vec::with_capacity(holders.len());
    // A node can probe only its own links, so a link of another node counts as alive.
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
    // A link reports the result of a probe within its `PATIENCE`. If it does not, its task is not
    // scheduled. That does not prove that the client is dead, so the link counts as alive.
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

/// Time limit for all probes of one reservation. The whole admission may take `admission_timeout`,
/// which is 5 s by default.
const PROBED_WITHIN: Duration = Duration::from_secs(2);

/// Time to wait before the next attempt to reserve a seat, if the link that holds the seat has
/// ended but has not released it yet.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
