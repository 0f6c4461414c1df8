//! Replaces the access of a live socket: its client refreshes the credential, or the rights of its
//! user have changed.
//!
//! In both cases the guards first check the connection with the new principal. Then every room of
//! the socket is checked again. Start reading at [`refresh`].

use std::sync::Arc;

use doorward_core::{
    Action, BoxError, Decision, DisconnectReason, Handshake, Refusal, RefusalReason,
    wire::Refreshed,
};
use futures_util::future::join_all;

use crate::{
    admission::vetting::{Attempt, Policy, ask_guards, read_epoch, vet},
    link::seam::NotAdmitted,
    presence::{
        expiry::{Access, Lifetime},
        resident::{Reloaded, Resident},
    },
    room::socket::{Replaced, Socket},
    runtime::catch::Caught,
};

/// Checks a new credential for a live socket. If it is accepted, the socket continues with it;
/// otherwise nothing changes.
pub(crate) async fn refresh<P: Send + Sync + 'static>(
    policy: &Policy<P>,
    socket: &Socket<P>,
    handshake: Handshake,
) -> Result<Lifetime, NotAdmitted> {
    let services = socket.hub().services();
    let (before, trust) = (socket.access(), socket.trust());
    let vetted = vet(policy, handshake, trust, services, Attempt::Refresh).await?;
    let user = socket.user();
    let refuse = |refusal| NotAdmitted::Refused { refusal, user: Some(user.clone()) };
    if vetted.user != *user {
        return Err(refuse(Refusal::unauthenticated(RefusalReason::UserChanged)));
    }
    let access = Arc::new(vetted.access);
    ask_guards(socket.asks(&access, Action::Connect), socket.hub()).await?;
    // As in `admit`: the socket is registered under the names of the new credential before the
    // revocation state is read again, so a concurrent revocation is seen by one of the two.
    services.registry.also_named(socket.id(), &access.credential);
    if read_epoch(user, &access, trust, services).await? != vetted.epoch {
        return Err(refuse(Refusal::unauthenticated(RefusalReason::RevokedMeanwhile)));
    }
    if !exchange(socket, &before, &access).await {
        // Another access was installed meanwhile, because the rights of the user have changed, or
        // rooms were joined faster than they were checked. This principal may be outdated.
        let reason = RefusalReason::RevokedMeanwhile;
        return Err(NotAdmitted::Undecided { reason, cause: None });
    }
    services.decided(Decision::Refreshed, socket.subject(Some(Action::Event(Refreshed::EVENT))));
    Ok(access.lifetime.clone())
}

/// Reloads the principal of a live socket, and ends the socket if it is no longer allowed.
pub(crate) async fn reload<P: Send + Sync + 'static>(socket: &Socket<P>) -> Reloaded {
    match check_again(socket).await {
        Ok(()) => Reloaded::Stays,
        Err(NotAdmitted::Refused { refusal, .. }) => {
            socket.cut(match refusal.reason() {
                RefusalReason::UserUnknown => DisconnectReason::Revoked,
                _ => DisconnectReason::Forbidden,
            });
            Reloaded::Ends
        }
        Err(NotAdmitted::Undecided { cause: Some(cause), .. }) => Reloaded::Undecided(cause),
        Err(NotAdmitted::Undecided { reason, .. }) => Reloaded::Undecided(reason.as_str().into()),
    }
}

/// Reloads the principal of a socket, checks the socket again, and installs the new principal.
///
/// An error changes nothing; the caller ends the socket if it was refused.
pub(crate) async fn check_again<P: Send + Sync + 'static>(
    socket: &Socket<P>,
) -> Result<(), NotAdmitted> {
    let undecided = |cause: BoxError| NotAdmitted::unavailable(Some(cause));
    for _ in 0..ATTEMPTS {
        let before = socket.access();
        let Some(access) = look_up(socket, &before).await.map_err(undecided)? else {
            let refusal = Refusal::unauthenticated(RefusalReason::UserUnknown);
            return Err(NotAdmitted::Refused { refusal, user: Some(socket.user().clone()) });
        };
        let access = Arc::new(access);
        ask_guards(socket.asks(&access, Action::Connect), socket.hub()).await?;
        if exchange(socket, &before, &access).await {
            return Ok(());
        }
    }
    Err(undecided("the access changed during every attempt".into()))
}

/// Installs `access` if the socket still has `before`, and takes the socket out of the rooms that
/// `access` does not allow.
///
/// Returns `false` if another access was installed meanwhile, or if the socket joined further rooms
/// during every attempt.
///
/// # Cancel safety
/// Nothing changes until every room is checked. Then everything changes in one step.
async fn exchange<P: Send + Sync + 'static>(
    socket: &Socket<P>,
    before: &Arc<Access<P>>,
    access: &Arc<Access<P>>,
) -> bool {
    // Checking a room awaits guards and policies, so it cannot happen under the lock of the rooms.
    // The verdicts are about a snapshot, and `replace_access` applies them under that lock:
    // - A room that is not in the snapshot was joined with the old access and has no verdict yet.
    //   All rooms are checked again.
    // - `before` must still be installed. Otherwise an older principal could overwrite a newer one.
    // - A join that is in progress meanwhile is checked with the old access. The step counts as a
    //   change, and `join` starts again when it sees one.
    // Leaving the forbidden rooms first and installing the access second was not an option: a
    // refresh that is cancelled in between would cost the socket its rooms.
    for _ in 0..ATTEMPTS {
        let rooms = socket.rooms();
        let checks = rooms.iter().map(|room| socket.may_be_in(access, room));
        let allowed = join_all(checks).await;
        match socket.replace_access(before, access, &rooms, &allowed) {
            Replaced::Done => return true,
            // The socket has joined another room meanwhile.
            Replaced::Unchecked => {}
            Replaced::Late => return false,
        }
    }
    false
}

/// Returns the access with a freshly loaded principal; `None` if the user no longer exists. Without
/// a function that loads it, the principal stays the same.
async fn look_up<P: Send + Sync + 'static>(
    socket: &Socket<P>,
    access: &Arc<Access<P>>,
) -> Result<Option<Access<P>>, BoxError> {
    let Some(reload) = &access.reload else { return Ok(Some(access.again())) };
    let services = socket.hub().services();
    let asked = Caught::new(async { reload().await });
    match services.within(services.limits.admission_timeout, asked).await {
        None => Err("the user was not looked up in time".into()),
        Some(Err(_panicked)) => Err("looking the user up panicked".into()),
        Some(Ok(found)) => Ok(found?.map(|principal| access.with_principal(principal))),
    }
}

/// Maximum attempts to reload a principal or re-check the rooms of a socket when a concurrent
/// refresh or join interferes.
const ATTEMPTS: usize = 3;
