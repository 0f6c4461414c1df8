//! Description of a socket, as it is sent to other nodes.

use std::{
    net::IpAddr,
    time::{Duration, SystemTime},
};

use doorward_core::{NodeId, SessionId, UserId};
use serde::{Deserialize, Serialize};

use crate::presence::resident::SocketInfo;

/// A [`SocketInfo`] as it is sent.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Described {
    socket: Box<str>,
    link: u64,
    namespace: Box<str>,
    user: Box<str>,
    session: Option<Box<str>>,
    connected_at: u64,
    expires_at: Option<u64>,
    network: Option<IpAddr>,
    agent: Option<Box<str>>,
    node: Box<str>,
}

impl From<&SocketInfo> for Described {
    fn from(info: &SocketInfo) -> Self {
        Self {
            socket: info.socket.encode().into(),
            link: info.link,
            namespace: (&*info.namespace).into(),
            user: info.user.as_str().into(),
            session: info.session.as_ref().map(|session| session.as_str().into()),
            connected_at: millis(info.connected_at),
            expires_at: info.expires_at.map(millis),
            network: info.network,
            agent: info.agent.as_deref().map(Into::into),
            node: info.node.as_str().into(),
        }
    }
}

impl Described {
    /// Returns the description. Returns `None` if the id of the socket is malformed.
    pub(crate) fn read(self) -> Option<SocketInfo> {
        Some(SocketInfo {
            socket: self.socket.parse().ok()?,
            link: self.link,
            namespace: self.namespace.into(),
            user: UserId::new(self.user),
            session: self.session.map(SessionId::new),
            connected_at: time(self.connected_at)?,
            expires_at: self.expires_at.and_then(time),
            network: self.network,
            agent: self.agent.map(Into::into),
            node: NodeId::new(self.node),
        })
    }
}

pub(crate) fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

pub(crate) fn time(millis: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}
