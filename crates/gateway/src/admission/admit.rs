//! Decides whether a client enters a namespace: the only file that knows the order.
//!
//! Attempts, authenticate, epoch, guards, reserve the seat, register, epoch again, `on_connect`, the record
//! (where the audit keeps it first), commit the seat. Whatever was taken is held by a guard object, so an early
//! return, a panic and a client that leaves half-way undo it by dropping. After the authenticator no credential
//! is seen any more.
//! Start reading at [`admit`].

use std::{
    future::Future,
    sync::{Arc, atomic::Ordering},
    time::{Duration, SystemTime},
};

use doorward_core::{
    Action, Anonymous, AuthenticateError, Authenticator, BoxFuture, DisconnectReason, Epoch, Grant,
    GuardContext, Handshake, Outlives, Refusal, RefusalReason, SeatLimits, Seats, StoreError,
    UserId, short_type_name,
};
use doorward_protocol::Trust;
use tracing::Instrument as _;

use crate::{
    admission::{renewal, seating},
    event::trace::hook_span,
    guard::authorise::authorise,
    namespace::mounted::{Admitted, Entered, Entry, Mounted, NotAdmitted},
    presence::{access::Access, services::Services},
    room::{
        connection::{self, Connection},
        hub::Hub,
    },
    runtime::outage::NoAnswer,
};

/// Whom a namespace asks.
pub(crate) struct Policy<P> {
    pub(crate) authenticator: Arc<dyn AnyAuthenticator<P>>,
    pub(crate) seats: Arc<dyn Seats>,
    /// How many seats a user has.
    pub(crate) connections: SeatLimits,
}

/// Admits the client, or says why not, and counts how long that took.
pub(crate) async fn admit<P: Send + Sync + 'static>(
    namespace: Arc<Mounted<P>>,
    entry: Entry,
) -> Result<Admitted, NotAdmitted> {
    let services = Arc::clone(&entry.services);
    let begun = services.clock.now();
    let decided = decide(namespace, entry).await;
    services.metrics.decided_in(services.clock.now().saturating_duration_since(begun));
    decided
}

async fn decide<P: Send + Sync + 'static>(
    namespace: Arc<Mounted<P>>,
    entry: Entry,
) -> Result<Admitted, NotAdmitted> {
    let Entry { handshake, socket, link, services } = entry;
    let request = Arc::clone(&handshake.request);
    let policy = &namespace.policy;

    // Read ahead of everything: whoever changes rights moves it before looking who is here.
    let rights = services.rights_changed.load(Ordering::SeqCst);
    let vetted = vet(policy, handshake, namespace.trust, &services, Attempt::Connect).await?;
    let Vetted { user, access, epoch } = vetted;
    let refuse = |refusal| NotAdmitted::Refused { refusal, user: Some(user.clone()) };

    let (credential, hub) = (access.credential.clone(), namespace.hub.clone());
    let parts = connection::Parts {
        id: socket,
        hub,
        user: user.clone(),
        trust: namespace.trust,
        connected_at: services.clock.wall(),
        request,
        link,
    };
    let connection = Connection::new(parts, access);
    let access = connection.access();
    ask_guards(connection.asks(&access, Action::Connect), &namespace.hub).await?;

    let reservation = seating::reserve(policy, &connection, &services).await?;

    let registered = services.registry.add_socket(Arc::new(connection.clone()), &credential);
    services.metrics.sockets.increment(1.0);
    let mut entered = Entered {
        connection,
        namespace: Arc::clone(&namespace),
        greeted: 0,
        entry: Some(registered),
        seat: None,
        otherwise: DisconnectReason::Refused,
        is_recorded: false,
        services: Arc::clone(&services),
    };
    // Whoever revokes from here on finds the entry; who did so before is seen in the epoch.
    if read_epoch(&user, &access, namespace.trust, &services).await? != epoch {
        return Err(refuse(Refusal::unauthenticated(RefusalReason::RevokedMeanwhile)));
    }
    // The same for whoever changes rights.
    if services.rights_changed.load(Ordering::SeqCst) != rights {
        renewal::look_again(&entered.connection).await?;
    }

    for hooks in &namespace.hooks {
        if let Some(hook) = &hooks.connect {
            let span = hook_span(&entered.connection, "on_connect");
            hook(entered.connection.clone()).instrument(span).await.map_err(refuse)?;
        }
        entered.greeted += 1;
    }

    // Before the seat is taken: no socket is replaced by one that does not enter.
    if services.records_first() {
        entered.record();
        if !services.kept_first().await {
            let cause = Some("the audit has not kept the record".into());
            return Err(NotAdmitted::Undecided { reason: RefusalReason::Unavailable, cause });
        }
    }
    entered.seat = Some(seating::commit(reservation, &user, &services).await?);
    // From here on broadcasts find it; its link keeps them until the client was told that it is in.
    entered.connection.enter_namespace();
    entered.otherwise = DisconnectReason::TransportClosed;
    let lifetime = entered.connection.access().lifetime.clone();
    let concurrency = namespace.concurrency;
    let is_recorded = entered.is_recorded;
    Ok(Admitted { socket: Box::new(entered), lifetime, concurrency, is_recorded })
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
fn turned_away(wait: Duration, user: Option<UserId>) -> NotAdmitted {
    NotAdmitted::Refused { refusal: Refusal::too_many_attempts(wait), user }
}

/// Beyond the budget of its address: names the user of a credential that is genuine by itself, and refuses all
/// others unlooked-at.
async fn recognise<P>(
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
async fn look_up<P>(
    grant: Grant<P>,
    shown_at: SystemTime,
    trust: Trust,
    services: &Services,
) -> Result<Vetted<P>, NotAdmitted> {
    let user = grant.user.clone();
    let access = Access::new(grant, shown_at, trust, services)
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
