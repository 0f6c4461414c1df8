//! Policy, hooks and routes of one namespace, generic over its principal.

use std::sync::Arc;

use doorward_protocol::Trust;

use crate::{
    admission::vetting::Policy,
    event::pipeline::Routes,
    room::{hooks::Hooks, hub::Hub},
};

/// A namespace whose principal is `P`.
pub(crate) struct Door<P> {
    pub(crate) hub: Hub<P>,
    pub(crate) rules: Arc<Rules<P>>,
}

/// Configuration of a namespace, or of all namespaces that a pattern opens.
pub(crate) struct Rules<P> {
    pub(crate) routes: Routes<P>,
    pub(crate) hooks: Vec<Hooks<P>>,
    pub(crate) policy: Policy<P>,
    pub(crate) trust: Trust,
    /// Maximum number of events of one socket that are handled concurrently.
    pub(crate) concurrency: usize,
}
