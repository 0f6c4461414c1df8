//! Gateway of the door, through which users follow their own connections and end them.
//!
//! The start page uses it. Start reading at [`Door::watch`].

use std::time::{Duration, SystemTime};

use doorward::{
    Principals, Revoke,
    access::{ConnectionChange, SocketInfo, WatchError, Watched},
    audit::Decision,
    prelude::*,
};
use doorward_apps::NamedUser;
use doorward_identity::describe_device;
use futures_util::{Stream, StreamExt as _, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The gateway has no state: the framework knows who is connected.
pub(crate) struct Door;

#[gateway(namespace = "/door")]
#[guard(RateLimit::per_user(60, Duration::from_secs(10)))]
#[filter(unavailable)]
impl Door {
    /// Sends the list of one's own connections, and then each change, until the socket ends. After changes that may be
    /// missing, it sends the list again.
    #[subscribe("watch")]
    async fn watch(
        &self,
        me: Socket<NamedUser>,
    ) -> Result<impl Stream<Item = News> + use<>, WatchError> {
        let principals = me.hub().principals();
        // The watch begins before the list is read, so that no connection is left out.
        let watch = principals.watch(me.user()).await?;
        let list = List::of(&principals, me.user()).await;
        let news = watch.then(move |watched| {
            let (principals, user) = (principals.clone(), me.user().clone());
            async move {
                match watched {
                    Watched::Change(change) => News::from(&*change),
                    _ => News::List(List::of(&principals, &user).await),
                }
            }
        });
        Ok(stream::once(async { News::List(list) }).chain(news))
    }

    /// Ends one of one's own connections. Returns the number of sockets that have closed. The client may connect again.
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
    /// `false` if some nodes have not answered.
    is_complete: bool,
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
        connections.truncate(LISTED);
        let connections = connections.iter().map(Connection::from).collect();
        Self { connections, is_complete: found.missing.is_empty() }
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

impl From<&ConnectionChange> for News {
    fn from(change: &ConnectionChange) -> Self {
        let (kind, reason): (fn(Change) -> Self, _) = match change.outcome {
            Decision::Ended(reason) => (Self::Ended, Some(reason.as_str())),
            Decision::Refused(reason) => (Self::Refused, Some(reason.as_str())),
            Decision::Refreshed => (Self::Refreshed, None),
            _ => (Self::Opened, None),
        };
        kind(Change {
            at: iso8601(change.at),
            reason,
            socket: change.socket.map(|socket| socket.to_string()),
            namespace: change.namespace.to_string(),
            device: change.agent.as_deref().and_then(describe_device),
            network: change.network.map(|network| network.to_string()),
            decision: change.decision.to_string(),
        })
    }
}

/// Formats a time as JavaScript does, to the millisecond.
fn iso8601(time: SystemTime) -> String {
    Timestamp::try_from(time).map(|time| format!("{time:.3}")).unwrap_or_default()
}

/// Maximum number of connections in a list. The newest are listed.
const LISTED: usize = 100;
