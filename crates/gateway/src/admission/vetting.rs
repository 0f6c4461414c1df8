//! Judges a credential: budgets, authenticator, revocations, guards of the connection.
//!
//! A client that connects and a socket that refreshes its credential are judged here. Start reading at [`vet`].

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, SystemTime},
};

use doorward_core::{
    Anonymous, AuthenticateError, Authenticator, BoxFuture, Epoch, Grant, GuardContext, Handshake,
    Outlives, Refusal, RefusalReason, SeatLimits, Seats, StoreError, UserId, short_type_name,
};
use doorward_protocol::Trust;

use crate::{
    guard::authorise::authorise,
    link::seam::NotAdmitted,
    presence::{access::Access, services::Services},
    room::hub::Hub,
    runtime::outage::NoAnswer,
};

/// Whom a namespace asks.
pub(crate) struct Policy<P> {
    pub(crate) authenticator: Arc<dyn AnyAuthenticator<P>>,
    pub(crate) seats: Arc<dyn Seats>,
    /// How many seats a user has.
    pub(crate) connections: SeatLimits,
}

/// Somebody whose credential is good.
pub(crate) struct Vetted<P> {
    pub(crate) user: UserId,
    pub(crate) access: Access<P>,
    /// What was revoked of them when the credential was looked at.
    pub(crate) epoch: Epoch,
}

/// What a credential is shown for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    Connect,
    Refresh,
}

/// Judges the credential itself, as often as the budgets of its address and of its user allow.
pub(crate) async fn vet<P>(
    policy: &Policy<P>,
    handshake: Handshake,
    trust: Trust,
    services: &Services,
    attempt: Attempt,
) -> Result<Vetted<P>, NotAdmitted> {
    // What cannot be recorded is not decided.
    if attempt == Attempt::Connect && !services.can_record() {
        let cause = Some("the audit has no room".into());
        return Err(NotAdmitted::Undecided { reason: RefusalReason::Unavailable, cause });
    }
    let address = handshake.request.peer().map(|peer| peer.ip());
    let (shown_at, now) = (handshake.at, services.clock.now());
    // Who is in is bounded by their link, and must not be put out by their neighbours.
    let counts = trust == Trust::Known && attempt == Attempt::Connect;
    let page = services.page(handshake.request.headers());
    let recognised = match services.attempts.check_address(address, page, now) {
        Err(wait) if counts => Some(recognise(policy, &handshake, wait, services).await?),
        _ => None,
    };
    let judged = policy.authenticator.authenticate(handshake).await;
    let grant = judged.map_err(|error| match error {
        AuthenticateError::Refused(refusal) => NotAdmitted::Refused { refusal, user: None },
        AuthenticateError::Unavailable(cause) => {
            NotAdmitted::Undecided { reason: RefusalReason::Unavailable, cause: Some(cause) }
        }
        _ => NotAdmitted::Undecided { reason: RefusalReason::Unavailable, cause: None },
    });
    let judged = match grant {
        // Records, and budgets by user, would take it for a client that is not known.
        Ok(grant) if trust == Trust::Known && grant.user.as_str() == Anonymous::USER => {
            let refusal = Refusal::unauthenticated(RefusalReason::UserUnknown);
            Err(NotAdmitted::Refused { refusal, user: None })
        }
        Ok(grant) => {
            // Those that are turned away come back every few seconds, and are no work for a store.
            let budget = services.attempts.check_user(&grant.user, now);
            if let (Trust::Known, Err(wait)) = (trust, budget) {
                return Err(turned_away(wait, Some(grant.user)));
            }
            look_up(grant, shown_at, trust, services).await
        }
        Err(refused) => Err(refused),
    };
    if counts && let Err(NotAdmitted::Refused { refusal, .. }) = &judged {
        // A credential that is genuine by itself is no guess of its address.
        match recognised {
            Some(user) => services.attempts.recognised_refused(address, user, now),
            None => services.attempts.refused(address, page, refusal, now),
        }
    }
    let vetted = judged?;
    // A credential that is dead already must not use up what its owner has.
    if trust == Trust::Known
        && let Err(wait) = services.attempts.authenticated(&vetted.user, now)
    {
        return Err(turned_away(wait, Some(vetted.user)));
    }
    Ok(vetted)
}

/// A budget is used up.
pub(crate) fn turned_away(wait: Duration, user: Option<UserId>) -> NotAdmitted {
    NotAdmitted::Refused { refusal: Refusal::too_many_attempts(wait), user }
}

/// Beyond the budget of its address: names the user of a credential that is genuine by itself, and refuses all
/// others unlooked-at.
pub(crate) async fn recognise<P>(
    policy: &Policy<P>,
    handshake: &Handshake,
    wait: Duration,
    services: &Services,
) -> Result<UserId, NotAdmitted> {
    // A flood of forged signatures keeps a few threads busy and no more.
    let turn = services.recognising.acquire().await;
    let user = policy.authenticator.recognise(handshake);
    drop(turn);
    let user = user.ok_or_else(|| turned_away(wait, None))?;
    let address = handshake.request.peer().map(|peer| peer.ip());
    match services.attempts.check_recognised(address, &user, services.clock.now()) {
        Ok(()) => Ok(user),
        Err(wait) => Err(turned_away(wait, Some(user))),
    }
}

/// Finds out whether a grant is over or was revoked.
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

/// Reads what was revoked of the credential's owner, and refuses a credential from before that.
pub(crate) async fn read_epoch<P>(
    user: &UserId,
    access: &Access<P>,
    trust: Trust,
    services: &Services,
) -> Result<Epoch, NotAdmitted> {
    // Strangers have nothing that could be revoked, and their visits are no work for a store.
    if trust == Trust::Anonymous {
        return Ok(Epoch::default());
    }
    let credential = &access.credential;
    let (session, token) = (credential.session.as_ref(), credential.token.as_ref());
    let epoch = services.epochs.read(user, session, token).await.map_err(|error: StoreError| {
        NotAdmitted::Undecided { reason: RefusalReason::Unavailable, cause: Some(error.into()) }
    })?;
    services.store.answered(services.clock.now());
    let refusal = match credential.outlives(user, &epoch) {
        Outlives::Yes => return Ok(epoch),
        Outlives::Unknown { from } => {
            let wait = from.duration_since(services.clock.wall()).unwrap_or_default();
            Refusal::token_expired().after(wait).because(RefusalReason::Revoked)
        }
        Outlives::No => Refusal::unauthenticated(RefusalReason::Revoked),
    };
    Err(NotAdmitted::Refused { refusal, user: Some(user.clone()) })
}

/// Asks the guards of a namespace about a connection.
pub(crate) async fn ask_guards<P: Send + Sync + 'static>(
    context: GuardContext<'_, P>,
    hub: &Hub<P>,
) -> Result<(), NotAdmitted> {
    let user = context.user;
    let asked = authorise(hub.guards(), context, hub.services()).await;
    asked.map_err(|denial| match denial.refusal.reason() {
        // A guard that could not look has decided nothing, so the client may ask again.
        reason @ RefusalReason::GuardFailed => NotAdmitted::Undecided { reason, cause: None },
        reason @ RefusalReason::GuardTimeout => {
            NotAdmitted::Undecided { reason, cause: Some(NoAnswer.into()) }
        }
        _ => NotAdmitted::Refused { refusal: denial.refusal, user: Some(user.clone()) },
    })
}

/// An [`Authenticator`] whose type is forgotten.
pub(crate) trait AnyAuthenticator<P>: Send + Sync {
    fn authenticate(
        &self,
        handshake: Handshake,
    ) -> BoxFuture<'_, Result<Grant<P>, AuthenticateError>>;
    fn recognise(&self, handshake: &Handshake) -> Option<UserId>;
    /// What the policy table calls it.
    fn name(&self) -> String;
}

impl<A: Authenticator> AnyAuthenticator<A::Principal> for A {
    fn authenticate(
        &self,
        handshake: Handshake,
    ) -> BoxFuture<'_, Result<Grant<A::Principal>, AuthenticateError>> {
        Box::pin(Authenticator::authenticate(self, handshake))
    }

    fn recognise(&self, handshake: &Handshake) -> Option<UserId> {
        Authenticator::recognise(self, handshake)
    }

    fn name(&self) -> String {
        short_type_name::<A>().into_owned()
    }
}

/// Lets everybody in as [`Anonymous`](doorward_core::Anonymous): the authenticator of public
/// namespaces.
pub(crate) struct Everybody;

impl Authenticator for Everybody {
    type Principal = Anonymous;

    fn authenticate(
        &self,
        _: Handshake,
    ) -> impl Future<Output = Result<Grant<Self::Principal>, AuthenticateError>> + Send {
        let grant = Grant::new(Anonymous, UserId::new(Anonymous::USER));
        std::future::ready(Ok(grant))
    }
}
