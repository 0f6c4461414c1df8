//! A namespace as admission knows it: policy, hooks and handlers for clients of one principal type.

use doorward_protocol::Trust;

use crate::{
    admission::vetting::Policy,
    event::pipeline::Routes,
    room::{hooks::Hooks, hub::Hub},
};

/// The door to a namespace whose principal is `P`.
pub(crate) struct Door<P> {
    pub(crate) hub: Hub<P>,
    pub(crate) routes: Routes<P>,
    pub(crate) hooks: Vec<Hooks<P>>,
    pub(crate) policy: Policy<P>,
    pub(crate) trust: Trust,
    /// Events of one socket that are handled at the same time.
    pub(crate) concurrency: usize,
}
