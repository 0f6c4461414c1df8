//! Results that are gathered from several nodes.

use doorward_core::NodeId;

/// Combined result of the nodes that answered, and a list of the nodes that did not answer in time.
///
/// This version asks only the node of the caller, so `missing` is always empty.
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
    /// Creates the result of a server that is the only node.
    pub(crate) fn here(value: T) -> Self {
        Self { value, missing: Vec::new() }
    }
}
