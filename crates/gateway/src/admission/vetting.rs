//! Checks a credential with the budgets for attempts, the authenticator, the revocation state and
//! the guards.
//!
//! The same code checks connecting clients and sockets that refresh their credential. Start reading
//! at [`vet`].

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use doorward_core::{
    Anonymous, AuthenticateError, Authenticator, BoxFuture, Grant, GuardContext, Handshake,
    Outlives, PerUser, Refusal, RefusalReason, RevocationState, SeatStore, SessionId, UserId,
    short_type_name,
};
use doorward_protocol::Trust;

use crate::{
    guard::authorise::authorise,
    link::seam::NotAdmitted,
    presence::{expiry::Access, services::Services},
    room::hub::Hub,
    runtime::outage_log::NoAnswer,
};

/// Authenticator of a namespace, and the limits on its connections.
pub(crate) struct Policy<P> {
    pub(crate) authenticator: Arc<dyn AnyAuthenticator<P>>,
    pub(crate) seats: Arc<dyn SeatStore>,
    /// Limit on the links of one user, in all namespaces together.
    pub(crate) links: PerUser,
    /// Limit on the sockets of one user in the namespace.
    pub(crate) sockets: PerUser,
}

/// Result of [`vet`] for a credential that was accepted.
pub(crate) struct Vetted<P> {
    pub(crate) user: UserId,
    pub(crate) access: Access<P>,
    /// Revocation state with which the credential was checked.
    pub(crate) epoch: RevocationState,
}

/// Reason for a check of a credential. It selects the budgets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    Connect,
    Refresh,
    /// A request to a route of the application.
    Request,
}

/// Authenticates a credential and checks that it is not revoked, within the budgets of its address
/// and of its user. Guards are not called.
///
/// `trust` is that of the namespace. On error, a connecting client is not admitted, and a socket
/// that refreshes its credential keeps its access.
pub(crate) async fn vet<P>(
    authenticator: &dyn AnyAuthenticator<P>,
    handshake: Handshake,
    trust: Trust,
    services: &Services,
    attempt: Attempt,
) -> Result<Vetted<P>, NotAdmitted> {
    // No decision is made if the audit could not record it.
    if attempt == Attempt::Connect && !services.audit.has_room() {
        return Err(NotAdmitted::unavailable(Some("the audit has no room".into())));
    }
    let address = handshake.request.peer().map(|peer| peer.ip());
    let (shown_at, now) = (handshake.at, services.clock.now());
    // A refresh does not count against the address. The link already limits refreshes, and other
    // clients of the address must not be able to end an admitted socket.
    let counts_for_address = trust == Trust::Known && attempt != Attempt::Refresh;
    // Requests have no budget of their user. An application decides how many requests it serves.
    let counts_for_user = trust == Trust::Known && attempt != Attempt::Request;
    let page = services.page(handshake.request.headers());
    let recognised = match services.attempts.check_address(address, page, now) {
        Err(wait) if counts_for_address => {
            Some(recognise(authenticator, &handshake, wait, services).await?)
        }
        _ => None,
    };
    let authenticated = authenticator.authenticate(handshake).await;
    let grant = authenticated.map_err(|error| match error {
        AuthenticateError::Refused(refusal) => NotAdmitted::Refused { refusal, user: None },
        AuthenticateError::Unavailable(cause) => NotAdmitted::unavailable(Some(cause)),
        AuthenticateError::Undecided(reason) => NotAdmitted::Undecided { reason, cause: None },
        _ => NotAdmitted::unavailable(None),
    });
    let result = match grant {
        // An authenticated client must not have the id of the anonymous user. Otherwise audit
        // records and the budgets of users would treat it as anonymous.
        Ok(grant) if trust == Trust::Known && grant.user.as_str() == Anonymous::USER => {
            let refusal = Refusal::unauthenticated(RefusalReason::UserUnknown);
            Err(NotAdmitted::Refused { refusal, user: None })
        }
        Ok(grant) => {
            // The budget is checked before the store is read. Refused clients reconnect every few
            // seconds, and must not put load on the store.
            let budget = services.attempts.users.check(&grant.user, now);
            if let (true, Err(wait)) = (counts_for_user, budget) {
                return Err(turned_away(wait, Some(grant.user)));
            }
            look_up(grant, shown_at, trust, services).await
        }
        Err(refused) => Err(refused),
    };
    if counts_for_address && let Err(NotAdmitted::Refused { refusal, .. }) = &result {
        // A credential that can be verified locally is not a guess, so the attempt counts against
        // its user and not against the address.
        match recognised {
            Some(user) => services.attempts.recognised_refused(address, user, now),
            None => services.attempts.refused(address, page, refusal, now),
        }
    }
    let vetted = result?;
    // The attempt is counted last, so that a revoked or expired credential does not use up the
    // budget of its owner.
    if counts_for_user && let Err(wait) = services.attempts.users.take(&vetted.user, now) {
        return Err(turned_away(wait, Some(vetted.user)));
    }
    Ok(vetted)
}

/// Returns the refusal of a client whose budget is used up. The client may try again after `wait`.
pub(crate) fn turned_away(wait: Duration, user: Option<UserId>) -> NotAdmitted {
    NotAdmitted::Refused { refusal: Refusal::too_many_attempts(wait), user }
}

/// Recognises the user of a client whose address has used up its budget.
///
/// Returns the user if the credential can be verified locally, such as a signed token. Any other
/// credential is refused without being checked, and the client may try again after `wait`. A user
/// who has shown too many recognised credentials that were refused is refused as well.
pub(crate) async fn recognise<P>(
    authenticator: &dyn AnyAuthenticator<P>,
    handshake: &Handshake,
    wait: Duration,
    services: &Services,
) -> Result<UserId, NotAdmitted> {
    // Verifying a signature blocks the thread. So only a few verifications run at the same time,
    // even during a flood of forged tokens.
    let turn = services.recognising.acquire().await;
    let user = authenticator.recognise(handshake);
    drop(turn);
    let user = user.ok_or_else(|| turned_away(wait, None))?;
    let address = handshake.request.peer().map(|peer| peer.ip());
    match services.attempts.check_recognised(address, &user, services.clock.now()) {
        Ok(()) => Ok(user),
        Err(wait) => Err(turned_away(wait, Some(user))),
    }
}

/// Builds the access of a grant, and refuses a grant that has expired or was revoked.
pub(crate) async fn look_up<P>(
    grant: Grant<P>,
    shown_at: SystemTime,
    trust: Trust,
    services: &Services,
) -> Result<Vetted<P>, NotAdmitted> {
    let user = grant.user.clone();
    let access = Access::new(grant, shown_at, trust, &*services.clock, &services.limits)
        .map_err(|refusal| NotAdmitted::Refused { refusal, user: Some(user.clone()) })?;
    let epoch = read_epoch(&user, &access, trust, services).await?;
    Ok(Vetted { user, access, epoch })
}

/// Returns the revocation state of a credential, which contains the revocations of its user, its
/// session and its token. Refuses a credential that is revoked, or that may be older than a
/// revocation. For an anonymous client, the state is empty.
pub(crate) async fn read_epoch<P>(
    user: &UserId,
    access: &Access<P>,
    trust: Trust,
    services: &Services,
) -> Result<RevocationState, NotAdmitted> {
    // An anonymous client has no credential that could be revoked, and must not put load on the
    // store.
    if trust == Trust::Anonymous {
        return Ok(RevocationState::default());
    }
    let credential = &access.credential;
    let (session, token) = (credential.session.as_ref(), credential.token.as_ref());
    let epoch = services.revocations.read(user, session, token).await;
    let epoch = epoch.map_err(|error| NotAdmitted::unavailable(Some(error.into())))?;
    services.store.answered(services.clock.now());
    let refusal = match credential.outlives(user, &epoch) {
        Outlives::Yes => return Ok(epoch),
        // The clock of the issuer may be ahead, so the token may be older than the revocation. The
        // client is asked for a token that is issued after `from`, because such a token is
        // certainly newer than the revocation.
        Outlives::Unknown { from } => {
            let wait = from.duration_since(services.clock.wall()).unwrap_or_default();
            Refusal::token_expired().after(wait).because(RefusalReason::Revoked)
        }
        Outlives::No => Refusal::unauthenticated(RefusalReason::Revoked),
    };
    Err(NotAdmitted::Refused { refusal, user: Some(user.clone()) })
}

/// Checks a connection with the guards of its namespace. Refuses the client if a guard denies, and
/// leaves it undecided if a guard fails or times out.
pub(crate) async fn ask_guards<P: Send + Sync + 'static>(
    context: GuardContext<'_, P>,
    hub: &Hub<P>,
) -> Result<(), NotAdmitted> {
    let user = context.user;
    let asked = authorise(hub.guards(), context, hub.services()).await;
    asked.map_err(|denial| match denial.refusal.reason() {
        // A guard that failed or timed out has decided nothing, so the client may try again.
        reason @ RefusalReason::GuardFailed => NotAdmitted::Undecided { reason, cause: None },
        reason @ RefusalReason::GuardTimeout => {
            NotAdmitted::Undecided { reason, cause: Some(NoAnswer.into()) }
        }
        _ => NotAdmitted::Refused { refusal: denial.refusal, user: Some(user.clone()) },
    })
}

/// Session of the cookie in a request, as an authenticator has found it.
pub(crate) type SessionFound = Result<Option<SessionId>, AuthenticateError>;

/// Answer of an authenticator.
type Authenticated<P> = Result<Grant<P>, AuthenticateError>;

/// An [`Authenticator`] with its type erased.
pub(crate) trait AnyAuthenticator<P>: Send + Sync {
    fn authenticate(&self, handshake: Handshake) -> BoxFuture<'_, Authenticated<P>>;
    fn recognise(&self, handshake: &Handshake) -> Option<UserId>;
    fn session_of<'a>(&'a self, handshake: &'a Handshake) -> BoxFuture<'a, SessionFound>;
    /// Returns the name of the authenticator in the policy table.
    fn name(&self) -> String;
}

impl<A: Authenticator> AnyAuthenticator<A::Principal> for A {
    fn authenticate(&self, handshake: Handshake) -> BoxFuture<'_, Authenticated<A::Principal>> {
        Box::pin(Authenticator::authenticate(self, handshake))
    }

    fn recognise(&self, handshake: &Handshake) -> Option<UserId> {
        Authenticator::recognise(self, handshake)
    }

    fn session_of<'a>(&'a self, handshake: &'a Handshake) -> BoxFuture<'a, SessionFound> {
        Box::pin(Authenticator::session_of(self, handshake))
    }

    fn name(&self) -> String {
        short_type_name::<A>().into_owned()
    }
}

/// Authenticator of public namespaces. It accepts every client as [`Anonymous`].
pub(crate) struct AdmitAll;

impl Authenticator for AdmitAll {
    type Principal = Anonymous;

    async fn authenticate(&self, _: Handshake) -> Authenticated<Anonymous> {
        Ok(Grant::new(Anonymous, UserId::new(Anonymous::USER)))
    }
}
