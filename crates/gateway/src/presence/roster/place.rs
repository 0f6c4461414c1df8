//! Places in which users are present.

use std::sync::Arc;

/// A namespace, or a room in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) namespace: Arc<str>,
    /// Name of the room. `None` for the whole namespace.
    pub(crate) room: Option<Arc<str>>,
}
