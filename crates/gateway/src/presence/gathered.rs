//! Acks that several nodes give together.

use doorward_core::NodeId;

/// What the nodes that answered know together, and the nodes that did not answer in time.
///
/// A single server always answers, so `missing` is empty there.
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
    /// What is known.
    pub value: T,
    /// Nodes that did not answer in time.
    pub missing: Vec<NodeId>,
}

impl<T> Gathered<T> {
    /// An answer of this node alone, which is the only one.
    pub(crate) fn here(value: T) -> Self {
        Self { value, missing: Vec::new() }
    }
}
