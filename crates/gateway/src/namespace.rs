//! Gateways, and the namespaces that are made of them.

pub(crate) mod gateway;
pub(crate) mod mount;
pub(crate) mod mounted;
pub(crate) mod policy_table;
