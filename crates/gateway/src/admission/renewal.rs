//! Replaces what a live socket stands on: a credential that its client refreshes, a principal whose rights
//! have changed.
//!
//! Either way the guards of the connection are asked about the new principal first, and the rooms it is
//! in afterwards. Start reading at [`refresh`].

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
        access::{Access, Lifetime},
        resident::{Reloaded, Resident},
    },
    room::connection::{Connection, Replaced},
    runtime::catch::Caught,
};

/// Judges another credential for a live socket and goes on with it, or changes nothing.
pub(crate) async fn refresh<P: Send + Sync + 'static>(
    policy: &Policy<P>,
    connection: &Connection<P>,
    handshake: Handshake,
) -> Result<Lifetime, NotAdmitted> {
    let services = connection.hub().services();
    let (before, trust) = (connection.access(), connection.trust());
    let vetted = vet(policy, handshake, trust, services, Attempt::Refresh).await?;
    let user = connection.user();
    let refuse = |refusal| NotAdmitted::Refused { refusal, user: Some(user.clone()) };
    if vetted.user != *user {
        return Err(refuse(Refusal::unauthenticated(RefusalReason::UserChanged)));
    }
    let access = Arc::new(vetted.access);
    ask_guards(connection.asks(&access, Action::Connect), connection.hub()).await?;
    // As at the entry: findable first, looked at again afterwards.
    services.registry.also_named(connection.id(), &access.credential);
    if read_epoch(user, &access, trust, services).await? != vetted.epoch {
        return Err(refuse(Refusal::unauthenticated(RefusalReason::RevokedMeanwhile)));
    }
    if !exchange(connection, &before, &access).await {
        // The user's rights were changed meanwhile, and this principal may be from before that.
        let reason = RefusalReason::RevokedMeanwhile;
        return Err(NotAdmitted::Undecided { reason, cause: None });
    }
    services.decided(Decision::Refreshed, connection.subject(Action::Event(Refreshed::EVENT)));
    Ok(access.lifetime.clone())
}

/// Looks the principal of a live socket up again, and ends the socket when it may not stay.
pub(crate) async fn reload<P: Send + Sync + 'static>(connection: &Connection<P>) -> Reloaded {
    match look_again(connection).await {
        Ok(()) => Reloaded::Stays,
        Err(NotAdmitted::Refused { refusal, .. }) => {
            connection.cut(match refusal.reason() {
                RefusalReason::UserUnknown => DisconnectReason::Revoked,
                _ => DisconnectReason::Forbidden,
            });
            Reloaded::Ends
        }
        Err(NotAdmitted::Undecided { cause: Some(cause), .. }) => Reloaded::Undecided(cause),
        Err(NotAdmitted::Undecided { reason, .. }) => Reloaded::Undecided(reason.as_str().into()),
    }
}

/// Looks the principal of a socket up again, and goes on with what it may now.
pub(crate) async fn look_again<P: Send + Sync + 'static>(
    connection: &Connection<P>,
) -> Result<(), NotAdmitted> {
    let undecided = |cause: BoxError| NotAdmitted::Undecided {
        reason: RefusalReason::Unavailable,
        cause: Some(cause),
    };
    for _ in 0..ATTEMPTS {
        let before = connection.access();
        let Some(access) = look_up(connection, &before).await.map_err(undecided)? else {
            let refusal = Refusal::unauthenticated(RefusalReason::UserUnknown);
            return Err(NotAdmitted::Refused { refusal, user: Some(connection.user().clone()) });
        };
        let access = Arc::new(access);
        ask_guards(connection.asks(&access, Action::Connect), connection.hub()).await?;
        if exchange(connection, &before, &access).await {
            return Ok(());
        }
    }
    Err(undecided("the credential is refreshed all the time".into()))
}

/// Lets a socket stand on something else, without the rooms that this does not allow. All of it happens in
/// one step, when every room has been judged: whoever is stopped before has changed nothing. `false` when
/// somebody else has exchanged it meanwhile.
async fn exchange<P: Send + Sync + 'static>(
    connection: &Connection<P>,
    before: &Arc<Access<P>>,
    access: &Arc<Access<P>>,
) -> bool {
    for _ in 0..ATTEMPTS {
        let rooms = connection.rooms();
        let judged = rooms.iter().map(|room| connection.may_be_in(access, room));
        let allowed = join_all(judged).await;
        match connection.replace_access(before, access, &rooms, &allowed) {
            Replaced::Done => return true,
            // It has entered another room meanwhile.
            Replaced::Unjudged => {}
            Replaced::Late => return false,
        }
    }
    false
}

/// Asks for the principal; without anybody to ask it is the one that is known.
async fn look_up<P: Send + Sync + 'static>(
    connection: &Connection<P>,
    access: &Arc<Access<P>>,
) -> Result<Option<Access<P>>, BoxError> {
    let Some(reload) = &access.reload else { return Ok(Some(access.again())) };
    let services = connection.hub().services();
    let asked = Caught::new(async { reload().await });
    match services.within(services.limits.admission_timeout, asked).await {
        None => Err("the user was not looked up in time".into()),
        Some(Err(_panicked)) => Err("looking the user up panicked".into()),
        Some(Ok(found)) => Ok(found?.map(|principal| access.with_principal(principal))),
    }
}

/// How often a principal is looked up again because the client refreshed meanwhile.
const ATTEMPTS: usize = 3;
