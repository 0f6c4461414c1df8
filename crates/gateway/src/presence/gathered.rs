//! Results that are gathered from several nodes.

use doorward_core::NodeId;

/// Combined result of the nodes that answered, and a list of the nodes that did not answer in time.
///
/// `missing` is empty if the server is the only node, and if all nodes of the cluster have answered.
///
/// # Examples
/// ```
/// use doorward::access::{Gathered, SocketInfo};
///
/// fn summary(sockets: &Gathered<Vec<SocketInfo>>) -> String {
///     let count = sockets.value.len();
///     match sockets.missing.len() {
///         0 => format!("{count} sockets"),
///         nodes => format!("at least {count} sockets: {nodes} nodes did not answer"),
///     }
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gathered<T> {
    /// Combined result of the nodes that answered.
    pub value: T,
    /// Nodes that did not answer in time.
    pub missing: Vec<NodeId>,
}

impl<T> Gathered<T> {
    /// Creates the result of this node alone.
    pub(crate) fn here(value: T) -> Self {
        Self { value, missing: Vec::new() }
    }

    /// Creates the result of this node and others.
    pub(crate) fn with(value: T, missing: Vec<NodeId>) -> Self {
        Self { value, missing }
    }
}
