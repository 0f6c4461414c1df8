//! Revokes users, sessions, tokens and sockets, and reloads the rights of users.
//!
//! A revocation is stored durably first. Then every socket that it covers is ended, and the call
//! completes when these sockets have closed. If a client connects in the meantime, its admission
//! reads the stored revocation. Start reading at [`Principals::revoke`].

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use doorward_core::{
    Decision, RefusalReason, StoreError, UserId,
    cluster::{Order, Receipt},
};
use http::request::Parts;

use crate::{
    bus::{
        message::Question,
        relay::{ANSWERED_WITHIN, Answers},
    },
    presence::{
        client::client,
        confirming::Confirming,
        described::Described,
        gathered::Gathered,
        node::{NodeInfo, SentNode},
        resident::SocketInfo,
        revocation::{RefreshError, Refreshed, Revocation, Revoke, RevokeError},
        services::{Services, Subject},
        watches::{Watch, WatchError},
    },
};

/// Handle that finds the connected sockets of all namespaces, and revokes their access.
///
/// [`Doorward::principals`](crate::Doorward::principals) and
/// [`Hub::principals`](crate::Hub::principals) return this handle. It is cheap to clone and may be
/// kept in the state of the application. Use [`revoke`](Principals::revoke) to end access,
/// [`refresh`](Principals::refresh) after the rights of a user have changed, and
/// [`sockets_of`](Principals::sockets_of) to show users their connections.
///
/// # Examples
/// ```
/// use doorward::{Principals, Revoke, access::RevokeError};
///
/// async fn fire(principals: &Principals, user: &str) -> Result<(), RevokeError> {
///     let done = principals.revoke(Revoke::User(user.into())).await?;
///     if !done.missing.is_empty() {
///         eprintln!("not confirmed yet by {:?}", done.missing);
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Principals {
    /// Services of the server, set when the server is built. Before that there are no sockets, and
    /// revoking fails.
    services: Arc<OnceLock<Arc<Services>>>,
}

impl Principals {
    /// Creates the handle of a server that is not built yet.
    pub(crate) fn unbuilt() -> Self {
        Self { services: Arc::default() }
    }

    /// Connects the handle to its server. Only the first call has an effect.
    pub(crate) fn build(&self, services: &Arc<Services>) {
        self.services.get_or_init(|| Arc::clone(services));
    }

    /// Returns the address of the client that sent an HTTP request to a route of the application.
    ///
    /// The server applies its budgets to the same address, so use this method for limits of the
    /// application. Behind [`trusted_proxies`](crate::Builder::trusted_proxies) it returns the
    /// address that the proxy reports.
    ///
    /// Returns `None` if the HTTP server does not provide the address of the peer (see
    /// [`PeerAddr`](crate::server::PeerAddr)), or if the server is not built yet.
    ///
    /// # Examples
    /// ```
    /// use doorward::{prelude::*, server::PeerAddr};
    ///
    /// let doorward = Doorward::builder().public(Gateway::at("/")).trusted_proxies(["10.0.0.1"]).build()?;
    /// let request = http::Request::builder()
    ///     .header("x-forwarded-for", "203.0.113.7")
    ///     .extension(PeerAddr(([10, 0, 0, 1], 4711).into()))
    ///     .body(())
    ///     .expect("the request is valid");
    ///
    /// let client = doorward.principals().client_ip(&request.into_parts().0);
    ///
    /// assert_eq!(client.map(|ip| ip.to_string()).as_deref(), Some("203.0.113.7"));
    /// # Ok::<_, doorward::server::BuildError>(())
    /// ```
    #[must_use]
    pub fn client_ip(&self, request: &Parts) -> Option<IpAddr> {
        client(self.services.get()?, request).map(|client| client.ip())
    }

    /// Revokes a user, a session, a token or a socket. Completes when all sockets that the
    /// revocation covers have ended, or after a time limit.
    ///
    /// The revocation is stored durably first. Then every socket that it covers is ended, and its
    /// client receives `revoked`. No further handler starts for these sockets, and their queued
    /// packets are dropped. A handler that is running may complete, but its answer is not sent.
    ///
    /// Storing the revocation, recording it in the audit and ending the sockets may each take up to
    /// 2 s. If some sockets have not ended by then, their node is listed in
    /// [`Revocation::missing`]. On a cluster, all nodes end their sockets, and
    /// [`Revocation::settled`] waits for the nodes that are missing.
    ///
    /// # Errors
    /// [`RevokeError::Store`] if the revocation was not stored. The sockets of this server were
    /// ended nevertheless.
    ///
    /// # Cancel safety
    /// The revocation is carried out even if the future is dropped after its first poll.
    pub async fn revoke(&self, what: Revoke) -> Result<Revocation, RevokeError> {
        let Some(services) = self.services.get().cloned() else {
            let cause = "the server is not built yet".into();
            return Err(RevokeError::Store(StoreError::Unavailable(cause)));
        };
        // The work is detached, so that a caller that disconnects does not leave a revocation
        // incomplete.
        detached(async move { carry_out(&services, &what).await }).await
    }

    /// Reloads the principal of every socket of a user, on all nodes. Call it after the rights of
    /// the user have changed.
    ///
    /// Guards check each connection again, and sockets leave the rooms that are no longer allowed.
    /// If the connection is no longer allowed, the socket is ended. Its client receives
    /// `forbidden`, or `revoked` if the user no longer exists.
    ///
    /// A principal is reloaded with the function in the [`Grant`](crate::auth::Grant) of the
    /// client. If the authenticator sets no function, the principal remains the same and is only
    /// checked again. Before the server is built, this method does nothing.
    ///
    /// If some sockets were not checked within 2 s, their nodes are listed in
    /// [`Refreshed::missing`].
    ///
    /// # Errors
    /// [`RefreshError::Store`] if the other nodes of the cluster were not told. The sockets of this
    /// server were checked nevertheless.
    ///
    /// # Cancel safety
    /// The work is completed even if the future is dropped after its first poll.
    pub async fn refresh(&self, user: &UserId) -> Result<Refreshed, RefreshError> {
        let Some(services) = self.services.get().cloned() else { return Ok(Refreshed::default()) };
        let order = Order::Rights(user.clone());
        detached(async move {
            let written = match &services.cluster {
                Some(cluster) => {
                    let written = cluster.order(&order, services.clock.wall());
                    in_time(services.within(WRITTEN_WITHIN, written).await).map(Some)
                }
                None => Ok(None),
            };
            let receipt = written.as_ref().ok().cloned().flatten();
            let mut confirming = Confirming::new(&services, &order, receipt);
            confirming.wait(CONFIRMED_WITHIN).await;
            written?;
            Ok(Refreshed::of(&confirming))
        })
        .await
    }

    /// Returns descriptions of the sockets of all nodes, including those whose admission is not
    /// completed. Before the server is built, there are none.
    ///
    /// Nodes that have not answered within 2 s are listed in [`Gathered::missing`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn sockets(&self) -> Gathered<Vec<SocketInfo>> {
        self.described(None).await
    }

    /// Returns descriptions of the sockets of one user on all nodes. Anonymous clients share one user id,
    /// and their sockets are not returned.
    ///
    /// Nodes that have not answered within 2 s are listed in [`Gathered::missing`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn sockets_of(&self, user: &UserId) -> Gathered<Vec<SocketInfo>> {
        self.described(Some(user)).await
    }

    /// Returns descriptions of all nodes. Before the server is built, there are none.
    ///
    /// Nodes that have not answered within 2 s are listed in [`Gathered::missing`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn nodes(&self) -> Gathered<Vec<NodeInfo>> {
        let Some(services) = self.services.get() else { return Gathered::default() };
        let mut all = vec![NodeInfo::of(services)];
        let Some(relay) = &services.relay else { return Gathered::here(all) };
        let asked = relay.ask::<SentNode>(Question::Nodes, &[], ANSWERED_WITHIN);
        let Answers { items, missing } = asked.await;
        all.extend(items.into_iter().map(NodeInfo::from));
        Gathered::with(all, missing)
    }

    /// Follows the connections of a user on all nodes, from now on. Anonymous clients share one user id, and are not
    /// watched.
    ///
    /// Completes when changes on other nodes reach the watch, or after 1 s. Each node reports its decisions in their
    /// order. [`Watched::Missed`](crate::access::Watched::Missed) follows when another node joins, leaves or is not heard
    /// any more, and when this node was cut off. Single changes may be missing without it if a message is dropped,
    /// which the metric `doorward_bus_dropped_total` counts. So read [`sockets_of`](Self::sockets_of) after the watch
    /// has begun, after each `Missed`, and at intervals if a list must be right.
    ///
    /// # Errors
    /// [`WatchError::TooMany`] if the user has 64 watches or the server has 100,000, and [`WatchError::NotBuilt`] before
    /// the server is built.
    ///
    /// # Cancel safety
    /// Dropping the future ends the watch.
    pub async fn watch(&self, user: &UserId) -> Result<Watch, WatchError> {
        self.watched(Some(user)).await
    }

    /// Follows the connections of all users on all nodes, from now on, as [`watch`](Self::watch) does for one.
    ///
    /// # Errors
    /// [`WatchError::TooMany`] if the server has 100 such watches, and [`WatchError::NotBuilt`] before the server is
    /// built.
    ///
    /// # Cancel safety
    /// Dropping the future ends the watch.
    pub async fn watch_all(&self) -> Result<Watch, WatchError> {
        self.watched(None).await
    }

    async fn watched(&self, user: Option<&UserId>) -> Result<Watch, WatchError> {
        let services = self.services.get().ok_or(WatchError::NotBuilt)?;
        services.watches.watch(user, services.relay.as_ref()).await
    }

    async fn described(&self, user: Option<&UserId>) -> Gathered<Vec<SocketInfo>> {
        let Some(services) = self.services.get() else { return Gathered::default() };
        let mut all = services.registry.described(user);
        let Some(relay) = &services.relay else { return Gathered::here(all) };
        let asked = relay.ask::<Described>(Question::sockets(user), &[], ANSWERED_WITHIN);
        let Answers { items, missing } = asked.await;
        all.extend(items.into_iter().filter_map(Described::read));
        Gathered::with(all, missing)
    }
}

doorward_core::debug_fields!(Principals {});

/// Performs a revocation.
async fn carry_out(services: &Arc<Services>, what: &Revoke) -> Result<Revocation, RevokeError> {
    // The revocation is stored first, and the registry is searched second. An admission
    // registers its socket first and reads the revocation state second. So either the
    // revocation finds the socket, or the admission finds the revocation. The same holds for a
    // client that is ended here and reconnects at once.
    let begun = services.clock.now();
    let written = in_time(services.within(WRITTEN_WITHIN, write_down(services, what)).await);
    if let Err(error) = &written {
        services.store.failed(services.clock.now(), error);
        let undecided = Decision::Undecided(RefusalReason::Unavailable);
        services.decided(undecided, subject(what));
    } else {
        record(services, what).await;
    }
    // The sockets are ended even if the revocation was not stored. The caller wants these
    // clients disconnected now. The error tells the caller that the clients may connect again.
    let receipt = written.as_ref().ok().cloned().flatten();
    let mut confirming = Confirming::new(services, &order(what), receipt);
    confirming.wait(CONFIRMED_WITHIN).await;
    let took = services.clock.now().saturating_duration_since(begun);
    services.metrics.revocation.record(took);
    written?;
    Ok(Revocation::of(&confirming))
}

/// Stores a revocation. Returns the receipt if other nodes have to carry it out too.
async fn write_down(services: &Services, what: &Revoke) -> Result<Option<Receipt>, StoreError> {
    let Services { revocations, clock, registry, .. } = services;
    let at = clock.wall();
    let receipt = match (&services.cluster, what) {
        // A client cannot reconnect with the id of a socket, so there is nothing to store. Ids of
        // sockets are unique, so no other node has a socket of this node.
        (None, Revoke::Socket(_)) => return Ok(None),
        (_, Revoke::Socket(socket)) if registry.socket(*socket).is_some() => return Ok(None),
        (Some(cluster), what) => Some(cluster.order(&order(what), at).await?),
        (None, Revoke::Session(session)) => {
            revocations.end_session(session, at).await?;
            None
        }
        (None, Revoke::Token(token)) => {
            revocations.end_token(token, at).await?;
            None
        }
        (None, Revoke::User(user)) => {
            revocations.bump(user, at).await?;
            None
        }
    };
    services.store.answered(clock.now());
    Ok(receipt)
}

/// Returns the order that carries out a revocation.
fn order(what: &Revoke) -> Order {
    match what {
        Revoke::Session(session) => Order::Session(session.clone()),
        Revoke::Socket(socket) => Order::Socket(*socket),
        Revoke::Token(token) => Order::Token(token.clone()),
        Revoke::User(user) => Order::User(user.clone()),
    }
}

/// Turns a timeout into an error.
fn in_time<T>(result: Option<Result<T, StoreError>>) -> Result<T, StoreError> {
    result.unwrap_or_else(|| Err(StoreError::Unavailable("it did not answer in time".into())))
}

/// Records a revocation that was stored. The wait has a time limit, so that an audit that hangs
/// does not keep the sockets alive.
async fn record(services: &Services, what: &Revoke) {
    let kept = services.kept_first();
    let (_, is_recorded) = services.record(Decision::Revoked, subject(what));
    if !is_recorded || services.within(RECORDED_WITHIN, kept).await != Some(true) {
        tracing::warn!("The audit did not keep the record of a revocation in time.");
    }
}

/// Returns the subject of the audit record of a revocation. It is empty for a token, because audit
/// records do not contain tokens.
fn subject(what: &Revoke) -> Subject<'_> {
    let unknown = Subject::default();
    match what {
        Revoke::Session(session) => Subject { session: Some(session.clone()), ..unknown },
        Revoke::Socket(socket) => Subject { socket: Some(*socket), ..unknown },
        Revoke::Token(_) => unknown,
        Revoke::User(user) => Subject { user: Some(user), ..unknown },
    }
}

/// Runs `work` to completion, even if the returned future is dropped after its first poll. A panic
/// in `work` is resumed in the caller.
async fn detached<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let done = tokio::spawn(work).await;
    done.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))
}

/// Time limit for storing a revocation. On timeout the sockets are ended nevertheless, and the
/// caller receives an error.
const WRITTEN_WITHIN: Duration = Duration::from_secs(2);

/// Time limit for the audit to keep the record of a revocation. On timeout the sockets are ended
/// nevertheless.
const RECORDED_WITHIN: Duration = Duration::from_secs(2);

/// Time limit for all sockets of a revocation to close. On timeout this node is listed in
/// [`Revocation::missing`]. Each link ends its sockets the next time that its task is polled, so
/// only a program that blocks its threads reaches the limit.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(2);
