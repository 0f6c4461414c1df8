//! Connected clients, and what the server keeps about them.

pub(crate) mod access;
pub(crate) mod client;
pub(crate) mod gathered;
pub(crate) mod mailbox;
pub(crate) mod principals;
pub(crate) mod registry;
pub(crate) mod resident;
pub(crate) mod seats;
pub(crate) mod services;
pub(crate) mod sweep;
