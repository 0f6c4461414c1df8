//! Combines the gateways of each namespace, and rejects gateways that contradict each other. Start
//! reading at [`mount::mount`]. Applications create a [`gateway`].

pub(crate) mod connect_result;
pub(crate) mod family;
pub(crate) mod gateway;
pub(crate) mod mount;
pub(crate) mod mounted;
pub(crate) mod policy_table;
