//! Gets a seat for somebody who is about to enter.
//!
//! Whoever keeps the seats only counts. Here the holders are asked whether they are still there before
//! anybody is refused, so that a dead connection locks nobody out; and those who are replaced have ended
//! before the new socket enters, so that there are never more than the policy allows.

use std::{future::Future, pin::Pin, task::Poll, time::Duration};

use doorward_core::{
    DisconnectReason, Holder, Refusal, RefusalReason, Reservation, Seat, SeatError, SeatRequest,
    UserId,
};

use crate::{
    Connection, admission::Policy, namespace::NotAdmitted, principals::end_all, registry::Whose,
    resident::Resident, services::Services,
};

/// Reserves a seat, if need be after a look at those who have them.
pub(crate) async fn reserve<P: Send + Sync + 'static>(
    policy: &Policy<P>,
    connection: &Connection<P>,
    services: &Services,
) -> Result<Box<dyn Reservation>, NotAdmitted> {
    let (user, link) = (connection.user(), connection.link().id());
    let request = SeatRequest::new(user, connection.id(), link, connection.namespace());
    let request = request.limited_to(policy.connections);
    let seats = &policy.seats;
    match seats.reserve(request).await {
        Ok(reservation) => Ok(reservation),
        Err(SeatError::Taken(holders)) if any_is_gone(&holders, services).await => {
            seats.reserve(request).await.map_err(|error| no_seat(error, user))
        }
        Err(error) => Err(no_seat(error, user)),
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
        let mut replaced = services.registry.of(Whose::User(user));
        replaced.retain(|resident| taken.replaced.iter().any(|holder| sits(&**resident, holder)));
        // With one that has not ended there would be more than the policy allows.
        if end_all(services, &replaced, DisconnectReason::Replaced).await < replaced.len() {
            let reason = RefusalReason::Unavailable;
            return Err(NotAdmitted::Undecided { reason, cause: None });
        }
    }
    Ok(taken.seat)
}

fn sits(resident: &dyn Resident, holder: &Holder) -> bool {
    resident.link().id() == holder.link
        && holder.socket.is_none_or(|socket| resident.id() == socket)
}

/// Asks those who have seats for a sign of life, and says whether one of them has none.
///
/// A link whose client does not answer has ended then, and its seats are free.
async fn any_is_gone(holders: &[Holder], services: &Services) -> bool {
    let mut waiting = Vec::with_capacity(holders.len());
    for holder in holders {
        // Who is not here any more has given its seats back, or is about to.
        let Some(link) = services.registry.link(holder.link) else { return true };
        waiting.push(link.probe());
    }
    let first_gone_or_all_alive = std::future::poll_fn(|cx| {
        let mut is_any_gone = false;
        waiting.retain_mut(|probe| match Pin::new(probe).poll(cx) {
            Poll::Pending => true,
            Poll::Ready(answer) => {
                is_any_gone |= answer.is_err();
                false
            }
        });
        if is_any_gone || waiting.is_empty() { Poll::Ready(is_any_gone) } else { Poll::Pending }
    });
    // A link that does not even say that nobody answers has no turn: it counts as alive.
    services.within(PROBED_WITHIN, first_gone_or_all_alive).await.unwrap_or(false)
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
