//! Replaces the access of a connected socket when its client refreshes the credential, or when the
//! rights of its user have changed.
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

/// Checks a new credential for a connected socket and installs it. Returns the new lifetime. On
/// error the socket keeps its access.
pub(crate) async fn refresh<P: Send + Sync + 'static>(
    policy: &Policy<P>,
    socket: &Socket<P>,
    handshake: Handshake,
) -> Result<Lifetime, NotAdmitted> {
    let services = socket.hub().services();
    let (before, trust) = (socket.access(), socket.trust());
    let vetted = vet(&*policy.authenticator, handshake, trust, services, Attempt::Refresh).await?;
    let user = socket.user();
    let refuse = |refusal| NotAdmitted::Refused { refusal, user: Some(user.clone()) };
    if vetted.user != *user {
        return Err(refuse(Refusal::unauthenticated(RefusalReason::UserChanged)));
    }
    let access = Arc::new(vetted.access);
    ask_guards(socket.asks(&access, Action::Connect), socket.hub()).await?;
    // As in `admit`, the socket is registered under the new credential before the revocation state
    // is read again. So either a concurrent revocation finds the socket, or the read finds the
    // revocation.
    let listed = services.registry.also_named(socket.id(), &access.shown(), services.clock.wall());
    listed.map_err(|error| refuse(Refusal::too_many_attempts(error.retry_after)))?;
    if read_epoch(user, &access, trust, services).await? != vetted.epoch {
        return Err(refuse(Refusal::unauthenticated(RefusalReason::RevokedMeanwhile)));
    }
    if !exchange(socket, &before, &access).await {
        // Another access was installed meanwhile, because the rights of the user have changed, or
        // rooms were joined faster than they were checked. The new principal may be outdated.
        let reason = RefusalReason::RevokedMeanwhile;
        return Err(NotAdmitted::Undecided { reason, cause: None });
    }
    services.decided(Decision::Refreshed, socket.subject(Some(Action::Event(Refreshed::EVENT))));
    Ok(access.lifetime.clone())
}

/// Reloads the principal of a connected socket, and ends the socket if the client is no longer
/// allowed to be connected.
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
/// On error the socket keeps its access. The caller ends the socket if the error is a refusal.
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
    //   Then all rooms are checked again.
    // - `before` must still be installed. Otherwise an older principal could overwrite a newer one.
    // - A join that is in progress is checked with the old access. Replacing the access counts as a
    //   change, and `join` starts again when it detects a change. The socket must not leave the
    //   forbidden rooms before the access is installed. If the refresh were cancelled in between,
    //   the socket would have lost rooms that its old access allows.
    for _ in 0..ATTEMPTS {
        let rooms = socket.rooms();
        let checks = rooms.iter().map(|room| socket.may_be_in(access, room));
        let allowed = join_all(checks).await;
        match socket.replace_access(before, access, &rooms, &allowed) {
            Replaced::Done => return true,
            // The socket has joined another room in the meantime.
            Replaced::Unchecked => {}
            Replaced::Late => return false,
        }
    }
    false
}

/// Returns a copy of `access` with a newly loaded principal, or `None` if the user no longer
/// exists. If `access` has no function to load the principal, the principal stays the same. Fails
/// if the principal cannot be loaded in time.
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

/// Maximum number of attempts to reload a principal or to re-check the rooms of a socket. An
/// attempt fails if a concurrent refresh or join interferes.
const ATTEMPTS: usize = 3;
