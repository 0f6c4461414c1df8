//! Description of a node, for operators.

use std::time::{Duration, SystemTime};

use doorward_core::NodeId;
use serde::{Deserialize, Serialize};

use crate::presence::services::Services;

/// Description of a node.
///
/// [`Principals::nodes`](crate::Principals::nodes) returns it.
///
/// # Examples
/// ```
/// fn line(node: &doorward::access::NodeInfo) -> String {
///     let state = if node.is_serving { "serving" } else { "not serving" };
///     format!("{} {state}, {} sockets", node.node, node.sockets)
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NodeInfo {
    /// Name of the node.
    pub node: NodeId,
    /// Version of this library on the node.
    pub version: Box<str>,
    /// Wall-clock time at which the server was built, by the clock of the node.
    pub started_at: SystemTime,
    /// Number of open links.
    pub links: usize,
    /// Number of sockets, including those whose admission is not completed.
    pub sockets: usize,
    /// `true` if the node may serve authenticated clients. `false` if it has no lease of the cluster.
    pub is_serving: bool,
    /// `true` if the node shuts down.
    pub is_stopping: bool,
}

/// A [`NodeInfo`] as it is sent.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SentNode {
    node: Box<str>,
    version: Box<str>,
    started_at: u64,
    links: usize,
    sockets: usize,
    is_serving: bool,
    is_stopping: bool,
}

impl NodeInfo {
    /// Describes the node of these services.
    pub(crate) fn of(services: &Services) -> Self {
        Self {
            node: services.node.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
            started_at: services.started_at,
            links: services.registry.links(),
            sockets: services.registry.sockets(),
            is_serving: services.standing.term(&*services.clock).is_some(),
            is_stopping: services.is_draining(),
        }
    }
}

impl From<NodeInfo> for SentNode {
    fn from(info: NodeInfo) -> Self {
        let NodeInfo { node, version, started_at, links, sockets, is_serving, is_stopping } = info;
        let since = started_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let started_at = since.as_secs();
        let node = node.as_str().into();
        Self { node, version, started_at, links, sockets, is_serving, is_stopping }
    }
}

impl From<SentNode> for NodeInfo {
    fn from(sent: SentNode) -> Self {
        let SentNode { node, version, started_at, links, sockets, is_serving, is_stopping } = sent;
        let since = Duration::from_secs(started_at);
        let started_at =
            SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH);
        let node = NodeId::new(node);
        Self { node, version, started_at, links, sockets, is_serving, is_stopping }
    }
}
