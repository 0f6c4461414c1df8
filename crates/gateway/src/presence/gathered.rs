//! Acks that several nodes give together.

use std::{fmt, sync::Arc};

/// The name of a node: one server process. Unlike a link id it opens nothing.
///
/// # Examples
/// ```
/// use doorward::access::NodeId;
///
/// assert_eq!(NodeId::new("eu-1").as_str(), "eu-1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(Arc<str>);

impl NodeId {
    /// Names a node.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

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
