//! Names of nodes.

use std::{fmt, sync::Arc};

/// Name of a node, which is one server process. The name is not secret.
///
/// # Examples
/// ```
/// use doorward_core::NodeId;
///
/// assert_eq!(NodeId::new("eu-1").as_str(), "eu-1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(Arc<str>);

impl NodeId {
    /// Creates the name of a node.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// Returns the name as text.
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
