//! Keeps what the server knows about connected clients, and decides when their access ends.
//!
//! [`registry`] finds links and sockets; start reading there. [`expiry`] decides when a socket
//! expires, [`principals`] carries out revocations, [`recheck`] asks the session store again, and
//! [`seats`] counts the connections of each user.

pub(crate) mod client;
pub(crate) mod expiry;
pub(crate) mod gathered;
pub(crate) mod mailbox;
pub(crate) mod principals;
pub(crate) mod recheck;
pub(crate) mod registry;
pub(crate) mod resident;
pub(crate) mod revocation;
pub(crate) mod seats;
pub(crate) mod services;
