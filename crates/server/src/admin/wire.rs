//! Requests and responses of the admin socket.

use doorward::{
    SocketId,
    access::{Gathered, NodeId, NodeInfo, SocketInfo},
    auth::TokenId,
    session::{Session, SessionId, SessionToken},
};
use doorward_core::Account;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Request to revoke one target. Exactly one field is set.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Revoke {
    /// User name of an account, or else an id or a subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    /// Exact id or subject of a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// Id of a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<String>,
    /// Id of an access token (`jti`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    /// Id of a socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) socket: Option<String>,
}

/// Target of a revocation.
pub(super) enum Named {
    /// User with exactly this id or subject.
    Id(String),
    Session(SessionId),
    Socket(SocketId),
    Token(TokenId),
    /// User with this user name, or else with this id or subject.
    User(String),
}

impl Revoke {
    /// Returns the target. Fails unless exactly one field is set.
    pub(super) fn named(self) -> Result<Named, &'static str> {
        match (self.user, self.id, self.session, self.token, self.socket) {
            (Some(user), None, None, None, None) => Ok(Named::User(user)),
            (None, Some(id), None, None, None) => Ok(Named::Id(id)),
            (None, None, Some(session), None, None) => Ok(Named::Session(SessionId::new(session))),
            (None, None, None, Some(token), None) => Ok(Named::Token(TokenId::new(token))),
            (None, None, None, None, Some(socket)) => socket.parse().map(Named::Socket).map_err(
                |_no_id| "socket is the id of a socket, as `doorward connections` shows it",
            ),
            _ => Err("name exactly one of user, id, session, token and socket"),
        }
    }
}

/// Result of a revocation.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Revocation {
    /// Number of sockets that the revocation has closed.
    pub(crate) closed: usize,
    /// Ids of the nodes that have applied the revocation.
    pub(crate) confirmed: Vec<String>,
    /// Ids of the nodes that serve no authenticated client any more, because their lease has ended.
    pub(crate) lapsed: Vec<String>,
    /// Ids of the nodes that have not confirmed the revocation in time.
    pub(crate) missing: Vec<String>,
    /// Sentence that describes the target.
    pub(crate) told: String,
}

impl Revocation {
    pub(super) fn new(done: doorward::access::Revocation, told: String) -> Self {
        let doorward::access::Revocation { closed, confirmed, lapsed, missing, .. } = done;
        let (confirmed, lapsed, missing) = (names(&confirmed), names(&lapsed), names(&missing));
        Self { closed, confirmed, lapsed, missing, told }
    }
}

/// Response with all live connections.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Connections {
    pub(crate) connections: Vec<Connection>,
    /// Names of the nodes that have not answered.
    pub(crate) missing: Vec<String>,
    /// Names of the dependencies that do not answer the asked node.
    #[serde(default)]
    pub(crate) away: Vec<String>,
}

/// Response with all nodes.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Nodes {
    pub(crate) nodes: Vec<Node>,
    /// Names of the nodes that have not answered.
    pub(crate) missing: Vec<String>,
    /// Names of the dependencies that do not answer the asked node.
    #[serde(default)]
    pub(crate) away: Vec<String>,
}

/// One node.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Node {
    pub(crate) node: String,
    pub(crate) version: String,
    pub(crate) started_at: Timestamp,
    pub(crate) links: usize,
    pub(crate) sockets: usize,
    /// `true` if the node may serve authenticated clients.
    pub(crate) serving: bool,
    /// `true` if the node shuts down.
    pub(crate) stopping: bool,
}

impl Nodes {
    pub(super) fn new(found: Gathered<Vec<NodeInfo>>, away: Vec<String>) -> Self {
        let mut nodes: Vec<_> = found.value.into_iter().map(Node::from).collect();
        nodes.sort_by(|one, other| one.node.cmp(&other.node));
        Self { nodes, missing: names(&found.missing), away }
    }
}

impl From<NodeInfo> for Node {
    fn from(one: NodeInfo) -> Self {
        Self {
            node: one.node.to_string(),
            version: one.version.into(),
            started_at: one.started_at.try_into().unwrap_or(Timestamp::MAX),
            links: one.links,
            sockets: one.sockets,
            serving: one.is_serving,
            stopping: one.is_stopping,
        }
    }
}

/// Returns the names of nodes as text.
pub(super) fn names(nodes: &[NodeId]) -> Vec<String> {
    nodes.iter().map(NodeId::to_string).collect()
}

/// One live connection.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Connection {
    pub(crate) socket: String,
    pub(crate) node: String,
    pub(crate) link: u64,
    pub(crate) namespace: String,
    pub(crate) user: String,
    pub(crate) session: Option<String>,
    pub(crate) connected_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) network: Option<String>,
}

impl Connections {
    pub(super) fn new(found: Gathered<Vec<SocketInfo>>, away: Vec<String>) -> Self {
        let mut connections: Vec<_> = found.value.into_iter().map(Connection::from).collect();
        connections.sort_by_key(|one| one.connected_at);
        Self { connections, missing: names(&found.missing), away }
    }
}

impl From<SocketInfo> for Connection {
    fn from(one: SocketInfo) -> Self {
        Self {
            socket: one.socket.to_string(),
            node: one.node.to_string(),
            link: one.link,
            namespace: one.namespace.to_string(),
            user: one.user.as_str().to_owned(),
            session: one.session.map(|id| id.as_str().to_owned()),
            connected_at: one.connected_at.try_into().unwrap_or(Timestamp::MAX),
            expires_at: one.expires_at.and_then(|at| at.try_into().ok()),
            network: one.network.map(|network| network.to_string()),
        }
    }
}

/// Line of `/connections/watch`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub(crate) enum Line {
    /// Changes are reported from now on.
    Watching,
    Opened(Changed),
    Refreshed(Changed),
    Ended(Changed),
    Refused(Changed),
    /// Changes may be missing here.
    Missed,
}

/// Change of a connection.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Changed {
    pub(crate) at: Timestamp,
    pub(crate) reason: Option<String>,
    /// Id of the user.
    pub(crate) user: String,
    /// User name of the account, if there is one.
    pub(crate) name: Option<String>,
    pub(crate) namespace: String,
    pub(crate) socket: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) network: Option<String>,
    pub(crate) node: String,
    /// Id of the audit record.
    pub(crate) decision: String,
}

/// Selects a user by name or by id. A watch of all users has neither.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct UserQuery {
    /// User name of an account, or else an id or a subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    /// Exact id or subject of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
}

/// Response with the live sessions of a user.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct SessionList {
    pub(crate) sessions: Vec<OneSession>,
}

/// One live session, without the data that an application has stored in it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OneSession {
    pub(crate) id: String,
    pub(crate) created_at: Timestamp,
    pub(crate) seen_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) user_agent: Option<String>,
    pub(crate) network: Option<String>,
}

impl From<Vec<Session>> for SessionList {
    fn from(sessions: Vec<Session>) -> Self {
        Self { sessions: sessions.iter().map(OneSession::from).collect() }
    }
}

impl From<&Session> for OneSession {
    fn from(session: &Session) -> Self {
        let timestamp = |at: std::time::SystemTime| at.try_into().unwrap_or(Timestamp::MAX);
        Self {
            id: session.id.as_str().to_owned(),
            created_at: timestamp(session.created_at),
            seen_at: timestamp(session.seen_at),
            expires_at: timestamp(session.expires_at()),
            user_agent: session.user_agent.as_deref().map(str::to_owned),
            network: session.network.map(|network| network.to_string()),
        }
    }
}

/// Response with a new session and its secret token.
#[derive(Deserialize, Serialize)]
pub(crate) struct SessionMade {
    pub(crate) id: String,
    pub(crate) token: String,
}

impl SessionMade {
    pub(crate) fn new(token: &SessionToken, session: &Session) -> Self {
        Self { id: session.id.as_str().to_owned(), token: token.expose() }
    }
}

/// Request for one page of accounts. `after` is the user name after which the page starts.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct AccountsBehind {
    pub(crate) after: Option<String>,
}

/// One page of accounts, sorted by name.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct AccountList {
    pub(crate) accounts: Vec<OneAccount>,
}

/// One account.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OneAccount {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) created_at: Timestamp,
    pub(crate) disabled_at: Option<Timestamp>,
}

impl From<Vec<Account>> for AccountList {
    fn from(accounts: Vec<Account>) -> Self {
        let one = |account: Account| OneAccount {
            id: account.id.as_str().to_owned(),
            name: account.name.into(),
            display_name: account.display_name.into(),
            created_at: account.created_at.try_into().unwrap_or(Timestamp::MAX),
            disabled_at: account.disabled_at.and_then(|at| at.try_into().ok()),
        };
        Self { accounts: accounts.into_iter().map(one).collect() }
    }
}

/// Request to change an account.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct AccountChange {
    pub(crate) name: String,
    pub(crate) change: Change,
}

/// Change to make to an account.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    Disable,
    Enable,
    Remove,
}

/// Result of the change of an account.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct AccountChanged {
    pub(crate) revocation: Revocation,
}

/// Error response, with the reason for which a request failed.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Problem {
    pub(crate) message: String,
}
