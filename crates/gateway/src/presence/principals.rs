//! Ends what should not go on: users, sessions, tokens, sockets.
//!
//! A revocation is written down first, for good, and then acted on: every socket that it covers is told
//! to end, and it returns when they have. Whoever enters meanwhile reads what was written. Start reading
//! at [`Principals::revoke`].

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, OnceLock, atomic::Ordering},
    time::Duration,
};

use doorward_core::{
    Decision, DisconnectReason, NodeId, RefusalReason, SessionId, SocketId, StoreError, TokenId,
    UserId,
};
use futures_util::{StreamExt as _, future::join_all, stream::FuturesUnordered};
use http::request::Parts;

use crate::presence::{
    client::client,
    gathered::Gathered,
    registry::Whose,
    resident::{Reloaded, Resident, SocketInfo},
    services::{Services, Subject},
};

/// Who is connected, and the power to end it; get one with
/// [`Doorward::principals`](crate::Doorward::principals) or [`Hub::principals`](crate::Hub::principals).
///
/// It is cheap to clone and belongs into the state of an application.
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
/// # drop(fire);
/// ```
#[derive(Clone)]
pub struct Principals {
    /// Set when the server is built. Before that nothing is connected, and nothing can be revoked.
    services: Arc<OnceLock<Arc<Services>>>,
}

/// What is to end.
///
/// # Examples
/// ```
/// use doorward::{Revoke, UserId};
///
/// assert_eq!(Revoke::User(UserId::new("alice")).to_string(), "user");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revoke {
    /// One session, with its sockets and its tokens.
    Session(SessionId),
    /// One socket. Its credential stays good: its client may come back when its program says so.
    Socket(SocketId),
    /// One token, with the sockets that were opened with it.
    Token(TokenId),
    /// Everything that a user has: sessions, tokens, sockets.
    User(UserId),
}

/// Names the kind; what is revoked may be a credential.
impl fmt::Display for Revoke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Session(_) => "session",
            Self::Socket(_) => "socket",
            Self::Token(_) => "token",
            Self::User(_) => "user",
        })
    }
}

/// What a revocation has done.
///
/// # Examples
/// ```
/// fn is_complete(revocation: &doorward::access::Revocation) -> bool {
///     revocation.missing.is_empty()
/// }
/// # drop(is_complete);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revocation {
    /// How many sockets have ended.
    pub closed: usize,
    /// Nodes that have ended their sockets.
    pub confirmed: Vec<NodeId>,
    /// The servers that have not said so in time. What was revoked is written down all the same: nobody
    /// enters with it, and their sweep ends what is left.
    pub missing: Vec<NodeId>,
}

/// Why a revocation was not written down.
///
/// # Examples
/// ```
/// use doorward::access::RevokeError;
///
/// let error = RevokeError::Store(doorward::store::StoreError::Full);
/// assert_eq!(error.to_string(), "the revocation was not written down");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevokeError {
    /// The store did not take it. The sockets of this server have been ended, but the credential may open
    /// the door again: try again.
    #[error("the revocation was not written down")]
    Store(#[from] StoreError),
}

/// What has become of the sockets of a user whose rights have changed.
///
/// # Examples
/// ```
/// let all_good = doorward::access::Refreshed::default();
/// assert_eq!(all_good.undecided, 0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refreshed {
    /// They go on, with what they may now.
    pub kept: usize,
    /// They may not be here any more, and have ended.
    pub ended: usize,
    /// Nobody could be asked about these, and they go on as before: try again.
    pub undecided: usize,
    /// Nodes that did not answer in time. Their sweep applies the change.
    pub missing: Vec<NodeId>,
}

impl Principals {
    /// Makes one for a server that is not built yet.
    pub(crate) fn unbuilt() -> Self {
        Self { services: Arc::default() }
    }

    /// Gives it its server; only the first call does anything.
    pub(crate) fn build(&self, services: &Arc<Services>) {
        self.services.get_or_init(|| Arc::clone(services));
    }

    /// Returns the address of the client that sent a request to another route of the application, by which its
    /// budgets go: behind [`trusted_proxies`](crate::Builder::trusted_proxies) the one that the proxy names.
    /// `None` when the HTTP server does not say where its requests come from, see [`PeerAddr`](crate::server::PeerAddr).
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
    ///     .expect("it is a request");
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

    /// Ends a user, a session, a token or a socket, and returns when it has ended.
    ///
    /// The order is written down durably first. Then every socket that it covers ends: nothing of it is
    /// started or delivered any more when this returns, what was queued for its client is dropped, and a
    /// handler that is running may finish unheard. Clients read `revoked`.
    ///
    /// # Errors
    /// [`RevokeError::Store`]: it could not be written down.
    ///
    /// # Cancel safety
    /// The order is carried out also when the future is dropped after its first poll.
    pub async fn revoke(&self, what: Revoke) -> Result<Revocation, RevokeError> {
        // A caller that goes away does not stop it half-way.
        let Some(services) = self.services.get().cloned() else {
            let cause = "the server is not built yet".into();
            return Err(RevokeError::Store(StoreError::Unavailable(cause)));
        };
        let orders = Orders { services };
        beside(async move { orders.carry_out(&what).await }).await
    }

    /// Looks the principal of every socket of a user up again, after the user's rights have changed.
    ///
    /// Guards are asked about the connection once more, and rooms that are not allowed any more are left;
    /// who may not be here any more reads `forbidden` or, when the user is gone, `revoked`.
    ///
    /// # Cancel safety
    /// It goes on to its end also when the future is dropped after its first poll.
    pub async fn refresh(&self, user: &UserId) -> Refreshed {
        // Whoever is entering sees that it has moved, and is looked up again.
        let Some(services) = self.services.get().cloned() else { return Refreshed::default() };
        services.rights_changed.fetch_add(1, Ordering::SeqCst);
        let user = user.clone();
        // All at once: one that cannot be looked up does not hold up the others.
        beside(async move {
            let residents = services.registry.of(Whose::User(&user));
            let reloads = residents.iter().map(|resident| resident.reload());
            let outcomes = join_all(reloads).await;
            let mut done = Refreshed::default();
            let mut ending = Vec::new();
            for (resident, outcome) in residents.iter().zip(outcomes) {
                match outcome {
                    Reloaded::Stays => done.kept += 1,
                    Reloaded::Ends => ending.push(Arc::clone(resident)),
                    Reloaded::Undecided(cause) => {
                        tracing::warn!(socket = %resident.id(), %cause, "Not reloaded.");
                        done.undecided += 1;
                    }
                }
            }
            closed(&services, &ending).await;
            done.ended = ending.len();
            done
        })
        .await
    }

    /// Returns every connected socket.
    ///
    /// # Cancel safety
    /// Dropping the future forgets the question.
    #[expect(clippy::unused_async, reason = "other nodes are asked as soon as there are any")]
    pub async fn sockets(&self) -> Gathered<Vec<SocketInfo>> {
        let residents = self.services.get().map(|services| services.registry.all_sockets());
        let residents = residents.unwrap_or_default();
        Gathered::here(residents.iter().map(|resident| resident.describe()).collect())
    }

    /// Returns the sockets of one user.
    ///
    /// # Cancel safety
    /// Dropping the future forgets the question.
    #[expect(clippy::unused_async, reason = "other nodes are asked as soon as there are any")]
    pub async fn sockets_of(&self, user: &UserId) -> Gathered<Vec<SocketInfo>> {
        let residents = self.services.get().map(|services| services.registry.of(Whose::User(user)));
        let residents = residents.unwrap_or_default();
        Gathered::here(residents.iter().map(|resident| resident.describe()).collect())
    }
}

/// Carries orders out.
struct Orders {
    services: Arc<Services>,
}

impl Orders {
    async fn carry_out(&self, what: &Revoke) -> Result<Revocation, RevokeError> {
        let begun = self.services.clock.now();
        let written = self.services.within(WRITTEN_WITHIN, self.write_down(what)).await;
        let in_time = || Err(StoreError::Unavailable("it did not answer in time".into()));
        let written = written.unwrap_or_else(in_time);
        if let Err(error) = &written {
            self.services.store.failed(self.services.clock.now(), error);
            let undecided = Decision::Undecided(RefusalReason::Unavailable);
            self.services.decided(undecided, subject(what));
        } else {
            self.record(what).await;
        }
        // Also when it was not: whoever wants somebody out wants them out.
        let revocation = self.end(what).await;
        let took = self.services.clock.now().saturating_duration_since(begun);
        self.services.metrics.revoked(took);
        written?;
        Ok(revocation)
    }

    async fn write_down(&self, what: &Revoke) -> Result<(), StoreError> {
        let Services { revocations, clock, .. } = &*self.services;
        let at = clock.wall();
        match what {
            Revoke::Session(session) => revocations.end_session(session, at).await?,
            // It stands in no store.
            Revoke::Socket(_) => return Ok(()),
            Revoke::Token(token) => revocations.end_token(token, at).await?,
            Revoke::User(user) => drop(revocations.bump(user, at).await?),
        }
        self.services.store.answered(clock.now());
        Ok(())
    }

    /// Records an order that was written down. An audit that hangs does not keep its sockets alive.
    async fn record(&self, what: &Revoke) {
        self.services.decided(Decision::Revoked, subject(what));
        let kept = self.services.kept_first();
        if self.services.within(RECORDED_WITHIN, kept).await != Some(true) {
            tracing::warn!("The audit has not kept the record of a revocation in time.");
        }
    }

    async fn end(&self, what: &Revoke) -> Revocation {
        let registry = &self.services.registry;
        let found = match what {
            Revoke::Session(session) => registry.of(Whose::Session(session)),
            Revoke::Socket(socket) => registry.socket(*socket).into_iter().collect(),
            Revoke::Token(token) => registry.of(Whose::Token(token)),
            Revoke::User(user) => registry.of(Whose::User(user)),
        };
        let closed = end_all(&self.services, &found, DisconnectReason::Revoked).await;
        let here = vec![self.services.node.clone()];
        if closed == found.len() {
            Revocation { closed, confirmed: here, missing: Vec::new() }
        } else {
            Revocation { closed, confirmed: Vec::new(), missing: here }
        }
    }
}

impl fmt::Debug for Principals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principals").finish_non_exhaustive()
    }
}

/// What an audit record says of an order; a token has no name that could be written down.
fn subject(what: &Revoke) -> Subject<'_> {
    let nobody = Subject::default();
    match what {
        Revoke::Session(session) => Subject { session: Some(session.clone()), ..nobody },
        Revoke::Socket(socket) => Subject { socket: Some(*socket), ..nobody },
        Revoke::Token(_) => nobody,
        Revoke::User(user) => Subject { user: Some(user), ..nobody },
    }
}

/// Runs work to its end, also when whoever waits for it goes away.
async fn beside<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

/// Tells sockets to end and waits until they have; returns how many did in time.
pub(crate) async fn end_all(
    services: &Services,
    residents: &[Arc<dyn Resident>],
    reason: DisconnectReason,
) -> usize {
    for resident in residents {
        resident.cut(reason);
    }
    closed(services, residents).await
}

/// Waits until sockets have ended; returns how many did in time.
async fn closed(services: &Services, residents: &[Arc<dyn Resident>]) -> usize {
    let mut ended = 0;
    let mut waiting: FuturesUnordered<_> =
        residents.iter().map(|resident| resident.closed()).collect();
    let all = async {
        while waiting.next().await.is_some() {
            ended += 1;
        }
    };
    // When the time is over those that have not ended are missing.
    services.within(CONFIRMED_WITHIN, all).await;
    ended
}

/// How long the store may take to write an order down. Sockets end all the same.
const WRITTEN_WITHIN: Duration = Duration::from_secs(2);

/// How long the audit may take to keep the record of an order. Then its sockets end all the same.
const RECORDED_WITHIN: Duration = Duration::from_secs(2);

/// How long it may take until all sockets of an order have ended. Each link ends its own when it has its turn;
/// only a program that blocks its threads makes this fire.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(2);
