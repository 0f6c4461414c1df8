//! Decides whether a client enters a namespace: the only file that knows the order.
//!
//! Authenticate, epoch, guards, reserve the seat, register, epoch again, `on_connect`, commit the
//! seat. Whatever was taken is held by a guard object, so an early return, a panic and a client that
//! leaves half-way undo it by dropping. Behind the first step no credential is seen any more.
//! Start reading at [`admit`].

use std::{future::Future, sync::Arc, time::SystemTime};

use doorward_core::{
    Action, AuthenticateError, Authenticator, BoxFuture, DisconnectReason, EpochError, Epochs,
    Grant, GuardContext, Handshake, Refusal, RefusalReason, SeatError, SeatRequest, Seats, UserId,
    short_type_name,
};
use doorward_protocol::Trust;

use crate::{
    Connection,
    authorise::authorise,
    connection,
    namespace::{Admitted, Entered, Entry, Expiry, Mounted, NotAdmitted},
    services::Services,
};

/// Whom a namespace asks.
pub(crate) struct Policy<P> {
    pub(crate) authenticator: Arc<dyn AnyAuthenticator<P>>,
    pub(crate) seats: Arc<dyn Seats>,
    pub(crate) epochs: Arc<dyn Epochs>,
}

/// Admits the client, or says why not.
pub(crate) async fn admit<P: Send + Sync + 'static>(
    namespace: Arc<Mounted<P>>,
    entry: Entry,
) -> Result<Admitted, NotAdmitted> {
    let Entry { handshake, socket, link, services } = entry;
    let request = Arc::clone(&handshake.request);
    let name = Arc::clone(&handshake.namespace);
    let policy = &namespace.policy;

    let grant = policy.authenticator.authenticate(handshake).await.map_err(not_authenticated)?;
    let Grant { principal, user, session, token, expires_at, .. } = grant;
    let refuse = |refusal| NotAdmitted::Refused { refusal, user: Some(user.clone()) };
    let connected_at = services.clock.wall();
    let expiry = expiry(&services, connected_at, expires_at, namespace.trust)
        .ok_or_else(|| refuse(Refusal::token_expired()))?;

    let read = || policy.epochs.read(&user, session.as_ref(), token.as_ref());
    let epoch = read().await.map_err(|error| no_epoch(error, refuse))?;

    let now = services.clock.now();
    let context =
        GuardContext::new(Action::Connect, &principal, &user, socket, &name, &request, now);
    let asked = authorise(namespace.hub.guards(), context, &services).await;
    asked.map_err(|denial| match denial.refusal.reason() {
        // A guard that could not look has decided nothing, so the client may ask again.
        reason @ (RefusalReason::GuardFailed | RefusalReason::GuardTimeout) => {
            NotAdmitted::Undecided { reason, cause: None }
        }
        _ => refuse(denial.refusal),
    })?;

    let reservation = policy
        .seats
        .reserve(SeatRequest::new(&user, socket, &name))
        .await
        .map_err(|error| no_seat(error, refuse))?;

    let registered = services.registry.add_socket(socket, user.clone());
    // Whoever revokes from here on finds the entry; who did so before is seen in the epoch.
    if read().await.map_err(|error| no_epoch(error, refuse))? != epoch {
        return Err(refuse(Refusal::unauthenticated(RefusalReason::RevokedMeanwhile)));
    }

    let mut entered = Entered {
        connection: Connection::new(connection::Parts {
            id: socket,
            hub: namespace.hub.clone(),
            principal,
            user: user.clone(),
            session: session.clone(),
            trust: namespace.trust,
            connected_at,
            request,
            link,
        }),
        namespace: Arc::clone(&namespace),
        greeted: 0,
        entry: Some(registered),
        seat: None,
        otherwise: DisconnectReason::Refused,
        services: Arc::clone(&services),
    };
    for hooks in &namespace.hooks {
        if let Some(hook) = &hooks.connect {
            hook(entered.connection.clone()).await.map_err(refuse)?;
        }
        entered.greeted += 1;
    }

    let seat = reservation.commit().await.map_err(|error| no_seat(error, refuse))?;
    entered.seat = Some(seat);
    // From here on broadcasts find it; its link keeps them until the client was told that it is in.
    entered.connection.enter_namespace();
    entered.otherwise = DisconnectReason::TransportClosed;
    let concurrency = namespace.concurrency;
    Ok(Admitted { socket: Box::new(entered), expiry, concurrency })
}

/// When the socket must end: `Some(None)` for never, `None` when that is over already.
fn expiry(
    services: &Services,
    now: SystemTime,
    expires_at: Option<SystemTime>,
    trust: Trust,
) -> Option<Option<Expiry>> {
    let lifetime = match expires_at {
        Some(at) => Some(at.duration_since(now).ok().filter(|left| !left.is_zero())?),
        None => None,
    };
    let anonymous = (trust == Trust::Anonymous).then_some(services.limits.anonymous_lifetime);
    let shortest = lifetime.into_iter().chain(anonymous).min();
    let at = shortest.and_then(|left| services.clock.now().checked_add(left));
    Some(at.map(|at| Expiry { at, wall: expires_at }))
}

fn not_authenticated(error: AuthenticateError) -> NotAdmitted {
    match error {
        AuthenticateError::Refused(refusal) => NotAdmitted::Refused { refusal, user: None },
        AuthenticateError::Unavailable(cause) => {
            NotAdmitted::Undecided { reason: RefusalReason::Unavailable, cause: Some(cause) }
        }
        _ => NotAdmitted::Undecided { reason: RefusalReason::Unavailable, cause: None },
    }
}

fn no_epoch(error: EpochError, refuse: impl Fn(Refusal) -> NotAdmitted) -> NotAdmitted {
    match error {
        EpochError::Revoked => refuse(Refusal::unauthenticated(RefusalReason::Revoked)),
        error => {
            NotAdmitted::Undecided { reason: RefusalReason::Unavailable, cause: Some(error.into()) }
        }
    }
}

fn no_seat(error: SeatError, refuse: impl Fn(Refusal) -> NotAdmitted) -> NotAdmitted {
    match error {
        SeatError::Taken => refuse(Refusal::already_connected()),
        error => {
            NotAdmitted::Undecided { reason: RefusalReason::Unavailable, cause: Some(error.into()) }
        }
    }
}

/// An [`Authenticator`] whose type is forgotten.
pub(crate) trait AnyAuthenticator<P>: Send + Sync {
    fn authenticate(
        &self,
        handshake: Handshake,
    ) -> BoxFuture<'_, Result<Grant<P>, AuthenticateError>>;
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

    fn name(&self) -> String {
        short_type_name::<A>().into_owned()
    }
}

/// Lets everybody in as [`Anonymous`](doorward_core::Anonymous): the authenticator of public
/// namespaces.
pub(crate) struct Everybody;

impl Authenticator for Everybody {
    type Principal = doorward_core::Anonymous;

    fn authenticate(
        &self,
        _: Handshake,
    ) -> impl Future<Output = Result<Grant<Self::Principal>, AuthenticateError>> + Send {
        let grant =
            Grant::new(doorward_core::Anonymous, UserId::new(doorward_core::Anonymous::USER));
        std::future::ready(Ok(grant))
    }
}
