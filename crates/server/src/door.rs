//! Gateway of the start page: users follow their own connections, and end them.
//!
//! The start page uses it. Start reading at [`Door::watch`].

use std::{
    future::pending,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, SystemTime},
};

use doorward::{
    Principals, Revoke,
    access::{ConnectionChange, SocketInfo, Watch, WatchError, Watched},
    audit::Decision,
    prelude::*,
    server::{Entropy as _, OsEntropy},
};
use doorward_apps::NamedUser;
use doorward_identity::describe_device;
use futures_util::{Stream, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until};

/// Has no state, because the framework knows which sockets are connected.
pub(crate) struct Door;

/// `true` once the socket follows the connections of its user.
#[derive(Default)]
struct IsWatching(AtomicBool);

#[gateway(namespace = "/door")]
#[guard(RateLimit::per_user(60, Duration::from_secs(10)))]
#[filter(unavailable)]
impl Door {
    /// Sends the connections of the user, then each change until the socket ends. If changes may be missing, sends the
    /// list again a moment later.
    #[subscribe("watch")]
    async fn watch(
        &self,
        me: Socket<NamedUser>,
        is_watching: SocketData<IsWatching>,
    ) -> Result<impl Stream<Item = News> + use<>, BoxError> {
        if is_watching.0.swap(true, Ordering::AcqRel) {
            return Err(Exception::new("already_watching", "This socket watches already").into());
        }
        let principals = me.hub().principals();
        // The watch begins before the list is read, so that no connection is left out.
        let watch = principals.watch(me.user()).await.inspect_err(|_error| {
            is_watching.0.store(false, Ordering::Release);
        })?;
        let door =
            Following { watch, principals, user: me.user().clone(), list_at: Some(Instant::now()) };
        Ok(stream::unfold(door, |mut door| async move { Some((door.next().await?, door)) }))
    }

    /// Ends a connection of the user. Returns the number of sockets that have closed. The client may connect again.
    #[subscribe("end")]
    async fn end(
        &self,
        me: Socket<NamedUser>,
        Payload(End { socket }): Payload<End>,
    ) -> Result<usize, BoxError> {
        let principals = me.hub().principals();
        let own = principals.sockets_of(me.user()).await.value;
        match own.iter().find(|one| one.socket.to_string() == *socket) {
            Some(one) => Ok(principals.revoke(Revoke::Socket(one.socket)).await?.closed),
            None => Ok(0),
        }
    }
}

/// What one socket follows.
struct Following {
    watch: Watch,
    principals: Principals,
    user: UserId,
    /// Time at which the list is read, if it has to be.
    list_at: Option<Instant>,
}

impl Following {
    /// Waits for the next news. Returns `None` after the server has ended.
    async fn next(&mut self) -> Option<News> {
        loop {
            let list = async {
                match self.list_at {
                    Some(at) => sleep_until(at).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = list => {
                    let list = List::of(&self.principals, &self.user).await;
                    // A node that has not answered may do so later.
                    self.list_at = list.is_missing_a_node.then(a_moment_later);
                    return Some(News::List(list));
                }
                watched = self.watch.next() => match watched? {
                    Watched::Change(change) => match News::of(&change) {
                        Some(news) => return Some(news),
                        None => continue,
                    },
                    // All pages of a node are told at once, and must not all ask the other nodes at once.
                    _ => self.list_at = self.list_at.or_else(|| Some(a_moment_later())),
                },
            }
        }
    }
}

/// Returns a time between one and five seconds from now.
fn a_moment_later() -> Instant {
    let mut random = [0; 2];
    OsEntropy.fill(&mut random);
    Instant::now() + SOON + Duration::from_millis(u64::from(u16::from_be_bytes(random)) / 16)
}

/// Tells the client that it may try again later.
fn unavailable(_error: &WatchError) -> Exception {
    Exception::new("unavailable", "Try again later")
}

#[derive(Deserialize)]
struct End {
    socket: Box<str>,
}

/// What the client of [`Door::watch`] receives.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub(crate) enum News {
    List(List),
    Opened(Change),
    Refreshed(Change),
    Ended(Change),
    Refused(Change),
}

/// All connections of the user.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct List {
    connections: Vec<Connection>,
    /// `false` if some nodes have not answered, or if there are more connections.
    is_complete: bool,
    #[serde(skip)]
    is_missing_a_node: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Connection {
    socket: String,
    namespace: String,
    device: Option<String>,
    network: Option<String>,
    opened_at: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Change {
    at: String,
    /// Why the connection has ended, or the client was refused.
    reason: Option<&'static str>,
    /// Not there for a client that was refused.
    socket: Option<String>,
    namespace: String,
    device: Option<String>,
    network: Option<String>,
    /// Id of the decision, which an operator finds in the audit.
    decision: String,
}

impl List {
    async fn of(principals: &Principals, user: &UserId) -> Self {
        let found = principals.sockets_of(user).await;
        let mut connections: Vec<_> = found.value;
        connections.sort_by_key(|one| std::cmp::Reverse(one.connected_at));
        let is_missing_a_node = !found.missing.is_empty();
        let is_complete = !is_missing_a_node && connections.len() <= MAX_LISTED;
        connections.truncate(MAX_LISTED);
        let connections = connections.iter().map(Connection::from).collect();
        Self { connections, is_complete, is_missing_a_node }
    }
}

impl From<&SocketInfo> for Connection {
    fn from(one: &SocketInfo) -> Self {
        Self {
            socket: one.socket.to_string(),
            namespace: one.namespace.to_string(),
            device: one.agent.as_deref().and_then(describe_device),
            network: one.network.map(|network| network.to_string()),
            opened_at: iso8601(one.connected_at),
        }
    }
}

impl News {
    /// Returns `None` for a decision that the client does not know.
    fn of(change: &ConnectionChange) -> Option<Self> {
        let kind: fn(Change) -> Self = match change.outcome {
            Decision::Admitted => Self::Opened,
            Decision::Ended(_) => Self::Ended,
            Decision::Refused(_) => Self::Refused,
            Decision::Refreshed => Self::Refreshed,
            _ => return None,
        };
        Some(kind(Change {
            at: iso8601(change.at),
            reason: change.outcome.reason(),
            socket: change.socket.map(|socket| socket.to_string()),
            namespace: change.namespace.to_string(),
            device: change.agent.as_deref().and_then(describe_device),
            network: change.network.map(|network| network.to_string()),
            decision: change.decision.to_string(),
        }))
    }
}

/// Formats a time as JavaScript does, to the millisecond.
fn iso8601(time: SystemTime) -> String {
    Timestamp::try_from(time).map(|time| format!("{time:.3}")).unwrap_or_default()
}

/// Maximum number of connections in a list. The newest are listed.
const MAX_LISTED: usize = 100;

/// Shortest time until the list is read again.
const SOON: Duration = Duration::from_secs(1);
