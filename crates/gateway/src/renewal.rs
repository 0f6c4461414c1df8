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

use crate::{
    Connection,
    access::{Access, Lifetime},
    admission::{self, Policy},
    catch::Caught,
    namespace::NotAdmitted,
    resident::Resident,
};

/// Judges another credential for a live socket and goes on with it, or changes nothing.
pub(crate) async fn refresh<P: Send + Sync + 'static>(
    policy: &Policy<P>,
    connection: &Connection<P>,
    handshake: Handshake,
) -> Result<Lifetime, NotAdmitted> {
    let services = connection.hub().services();
    let before = connection.access();
    let vetted = admission::vet(policy, handshake, connection.trust(), services).await?;
    let user = connection.user();
    let refuse = |refusal| NotAdmitted::Refused { refusal, user: Some(user.clone()) };
    if vetted.user != *user {
        return Err(refuse(Refusal::unauthenticated(RefusalReason::UserChanged)));
    }
    let epoch = admission::read_epoch(user, &vetted.access, services).await?;
    admission::ask_guards(connection.asks(&vetted.access, Action::Connect), connection.hub())
        .await?;
    // As at the entry: findable first, looked at again afterwards.
    services.registry.also_named(connection.id(), &vetted.access.credential);
    if admission::read_epoch(user, &vetted.access, services).await? != epoch {
        return Err(refuse(Refusal::unauthenticated(RefusalReason::RevokedMeanwhile)));
    }
    let lifetime = vetted.access.lifetime.clone();
    if !connection.replace_access(&before, vetted.access) {
        // The user's rights were changed meanwhile, and this principal may be from before that.
        let reason = RefusalReason::RevokedMeanwhile;
        return Err(NotAdmitted::Undecided { reason, cause: None });
    }
    connection.check_rooms().await;
    services.decided(Decision::Refreshed, connection.subject(Action::Event(Refreshed::EVENT)));
    Ok(lifetime)
}

/// What has become of a socket whose principal was to be looked up again.
#[derive(Debug)]
pub(crate) enum Reloaded {
    /// It stays, with what it may now.
    Stays,
    /// It may not be here any more, and was told to go.
    Ends,
    /// Nobody could be asked, and nothing was changed.
    Undecided(BoxError),
}

/// Looks the principal of a live socket up again.
pub(crate) async fn reload<P: Send + Sync + 'static>(connection: &Connection<P>) -> Reloaded {
    for _ in 0..ATTEMPTS {
        let before = connection.access();
        let access = match look_up(connection, &before).await {
            Ok(Some(access)) => access,
            Ok(None) => {
                connection.cut(DisconnectReason::Revoked);
                return Reloaded::Ends;
            }
            Err(cause) => return Reloaded::Undecided(cause),
        };
        let asked = connection.asks(&access, Action::Connect);
        match admission::ask_guards(asked, connection.hub()).await {
            Ok(()) => {}
            Err(NotAdmitted::Refused { .. }) => {
                connection.cut(DisconnectReason::Forbidden);
                return Reloaded::Ends;
            }
            Err(NotAdmitted::Undecided { reason, .. }) => {
                return Reloaded::Undecided(reason.as_str().into());
            }
        }
        if connection.replace_access(&before, access) {
            connection.check_rooms().await;
            return Reloaded::Stays;
        }
    }
    Reloaded::Undecided("the credential is refreshed all the time".into())
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
