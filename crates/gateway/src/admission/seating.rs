//! Gets a seat for somebody who is about to enter.
//!
//! Whoever keeps the seats only counts. Here the holders are asked whether they are still there before
//! anybody is refused, so that a dead connection locks nobody out; and those who are replaced have ended
//! before the new socket enters, so that there are never more than the policy allows.

use std::{
    future::Future,
    pin::Pin,
    task::Poll,
    time::{Duration, Instant},
};

use doorward_core::{
    DisconnectReason, Holder, LinkId, Refusal, RefusalReason, Reservation, Seat, SeatError,
    SeatRequest, UserId,
};

use crate::{
    admission::vetting::Policy,
    link::seam::NotAdmitted,
    presence::{principals::end_all, services::Services},
    room::connection::Connection,
};

/// Reserves a seat, if need be after a look at those who have them.
pub(crate) async fn reserve<P: Send + Sync + 'static>(
    policy: &Policy<P>,
    connection: &Connection<P>,
    services: &Services,
) -> Result<Box<dyn Reservation>, NotAdmitted> {
    let (user, link) = (connection.user(), connection.link().id());
    let (socket, namespace) = (connection.id(), connection.namespace());
    let request = SeatRequest::new(user, socket, link, namespace, policy.connections);
    let (mut patience, mut gone) = (None, None);
    // Two limits may be in the way, and a seat that is free again may be somebody else's already.
    loop {
        let holders = match policy.seats.reserve(request).await {
            Err(SeatError::Taken(holders)) => holders,
            reserved => return reserved.map_err(|error| no_seat(error, user)),
        };
        // A store that was slow to say so leaves no less time for the holders.
        let now = services.clock.now();
        let patience = *patience.get_or_insert(now + PROBED_WITHIN);
        if now >= patience {
            // A seat that is about to be free is no reason to send its user away for good.
            let reason = RefusalReason::Unavailable;
            return Err(NotAdmitted::Undecided { reason, cause: None });
        }
        match first_gone(&holders, patience, services).await {
            None => return Err(no_seat(SeatError::Taken(holders), user)),
            // It has not given its seat back yet.
            Some(link) if gone == Some(link) => {
                services.clock.sleep_until(services.clock.now() + BETWEEN_LOOKS).await;
            }
            Some(link) => gone = Some(link),
        }
    }
}

/// Takes the seat, and ends whoever has lost it.
pub(crate) async fn commit(
    reservation: Box<dyn Reservation>,
    user: &UserId,
    services: &Services,
) -> Result<Box<dyn Seat>, NotAdmitted> {
    let taken = reservation.commit().await.map_err(|error| no_seat(error, user))?;
    if !taken.replaced.is_empty() {
        let replaced = taken.replaced.iter().filter_map(|socket| services.registry.socket(*socket));
        let replaced: Vec<_> = replaced.collect();
        // With one that has not ended there would be more than the policy allows.
        if end_all(services, &replaced, DisconnectReason::Replaced).await < replaced.len() {
            let reason = RefusalReason::Unavailable;
            return Err(NotAdmitted::Undecided { reason, cause: None });
        }
    }
    Ok(taken.seat)
}

/// Asks those who have seats for a sign of life, and returns the first that has none.
///
/// A link whose client does not answer has ended then, and its seats are free.
async fn first_gone(holders: &[Holder], patience: Instant, services: &Services) -> Option<LinkId> {
    let mut waiting = Vec::with_capacity(holders.len());
    for Holder { link, .. } in holders {
        // Who is not here any more has given its seats back.
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
    // A link that does not even say that nobody answers has no turn: it counts as alive.
    let left = patience.saturating_duration_since(services.clock.now());
    services.within(left, first_gone_or_all_alive).await.flatten()
}

fn no_seat(error: SeatError, user: &UserId) -> NotAdmitted {
    match error {
        SeatError::Taken(_) => {
            NotAdmitted::Refused { refusal: Refusal::already_connected(), user: Some(user.clone()) }
        }
        error => {
            NotAdmitted::Undecided { reason: RefusalReason::Unavailable, cause: Some(error.into()) }
        }
    }
}

/// How long all of it may take: the client that waits has five seconds.
const PROBED_WITHIN: Duration = Duration::from_secs(2);

/// How soon a seat is asked for again whose holder is gone and has not given it back.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
