//! Decides which gateways make a namespace, and rejects those that contradict each other. Start
//! reading at [`mount::mount`]; applications fill a [`gateway`].

pub(crate) mod gateway;
pub(crate) mod mount;
pub(crate) mod mounted;
pub(crate) mod policy_table;
