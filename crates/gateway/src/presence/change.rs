//! Decision about a connection of a user, as watches report it.

use std::{net::IpAddr, sync::Arc, time::SystemTime};

use doorward_core::{
    Decision, DecisionId, DisconnectReason, Headers, NodeId, RefusalReason, SocketId, UserId,
};
use serde::{Deserialize, Serialize};

use crate::presence::described::{millis, time};

/// Change of a connection of a user: a socket was opened, continues with another credential or has ended, or a client
/// was refused.
///
/// It contains no credential. [`Watch`](crate::access::Watch) reports it.
///
/// # Examples
/// ```
/// use doorward::{access::ConnectionChange, audit::Decision};
///
/// fn line(change: &ConnectionChange) -> String {
///     let device = change.agent.as_deref().unwrap_or("unknown device");
///     match change.outcome {
///         Decision::Admitted => format!("{device}: opened"),
///         Decision::Ended(reason) => format!("{device}: ended, {reason}"),
///         Decision::Refused(reason) => format!("{device}: refused, {reason}"),
///         outcome => format!("{device}: {}", outcome.as_str()),
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionChange {
    /// Id of the decision. The audit record has the same id, and the answer to the client as well.
    pub decision: DecisionId,
    /// Wall-clock time of the decision.
    pub at: SystemTime,
    /// [`Admitted`](Decision::Admitted), [`Refreshed`](Decision::Refreshed), [`Ended`](Decision::Ended) or
    /// [`Refused`](Decision::Refused).
    ///
    /// A socket that is admitted and cannot enter its namespace has ended with the reason
    /// [`Refused`](DisconnectReason::Refused).
    pub outcome: Decision,
    /// User of the connection.
    pub user: UserId,
    /// Name of the namespace, with its leading slash.
    pub namespace: Arc<str>,
    /// Public id of the socket. `None` for a client that was refused.
    pub socket: Option<SocketId>,
    /// `User-Agent` of the client, at most 256 bytes of it. Any client can send any text.
    pub agent: Option<Arc<str>>,
    /// Network of the client, which is its IP address without the part that identifies a household. `None` if the
    /// address is not known.
    pub network: Option<IpAddr>,
    /// Name of the node that has decided.
    pub node: NodeId,
}

/// A [`ConnectionChange`] as it is sent to other nodes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SentChange {
    decision: Box<str>,
    at: u64,
    outcome: SentOutcome,
    user: Box<str>,
    namespace: Box<str>,
    socket: Option<Box<str>>,
    agent: Option<Box<str>>,
    network: Option<IpAddr>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SentOutcome {
    Admitted,
    Refreshed,
    Ended(Box<str>),
    Refused(Box<str>),
}

impl SentOutcome {
    fn of(outcome: Decision) -> Option<Self> {
        match outcome {
            Decision::Admitted => Some(Self::Admitted),
            Decision::Refreshed => Some(Self::Refreshed),
            Decision::Ended(reason) => Some(Self::Ended(reason.as_str().into())),
            Decision::Refused(reason) => Some(Self::Refused(reason.as_str().into())),
            _ => None,
        }
    }

    fn read(&self) -> Option<Decision> {
        Some(match self {
            Self::Admitted => Decision::Admitted,
            Self::Refreshed => Decision::Refreshed,
            Self::Ended(reason) => Decision::Ended(DisconnectReason::named(reason)?),
            Self::Refused(reason) => Decision::Refused(RefusalReason::named(reason)?),
        })
    }
}

impl SentChange {
    /// Returns the change as it is sent. Returns `None` for a decision that is none about a connection.
    pub(crate) fn of(change: &ConnectionChange) -> Option<Self> {
        Some(Self {
            decision: change.decision.encode().into(),
            at: millis(change.at),
            outcome: SentOutcome::of(change.outcome)?,
            user: change.user.as_str().into(),
            namespace: (&*change.namespace).into(),
            socket: change.socket.map(|socket| socket.encode().into()),
            agent: change.agent.as_deref().map(Into::into),
            network: change.network,
        })
    }

    /// Returns the change that a node has sent. Returns `None` if an id or a reason is not known.
    pub(crate) fn read(self, node: NodeId) -> Option<ConnectionChange> {
        let socket = self.socket.map(|socket| socket.parse()).transpose().ok()?;
        Some(ConnectionChange {
            decision: self.decision.parse().ok()?,
            at: time(self.at)?,
            outcome: self.outcome.read()?,
            user: UserId::new(self.user),
            namespace: self.namespace.into(),
            socket,
            agent: self.agent.map(Into::into),
            network: self.network,
            node,
        })
    }
}

/// Returns the `User-Agent` header of a client, or its beginning.
pub(crate) fn agent_of(headers: &Headers) -> Option<&str> {
    let agent = headers.get_str("user-agent")?;
    agent.get(..agent.floor_char_boundary(MAX_AGENT))
}

/// Maximum length of a `User-Agent` that is kept, in bytes.
const MAX_AGENT: usize = 256;
