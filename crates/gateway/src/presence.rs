//! Keeps the state of connected clients, and decides when their access ends.
//!
//! Start reading at [`registry`], which finds links and sockets. [`expiry`] decides when a socket
//! expires, and [`principals`] performs revocations. [`recheck`] looks up all sockets in the stores
//! of sessions and revocations at intervals, and ends sockets when these stores do not answer.
//! [`orders`] carries out what this node and other nodes order, and [`confirming`] waits for the
//! other nodes. [`standing`] tells if this node may serve clients now. [`seats`] counts the connections of each user.
//! [`watches`] reports changes of connections to programs.

pub(crate) mod carried;
pub(crate) mod change;
pub(crate) mod client;
pub(crate) mod confirming;
pub(crate) mod deciding;
pub(crate) mod described;
pub(crate) mod expiry;
pub(crate) mod gathered;
pub(crate) mod groups;
pub(crate) mod mailbox;
pub(crate) mod node;
pub(crate) mod orders;
pub(crate) mod principals;
pub(crate) mod recheck;
pub(crate) mod registry;
pub(crate) mod resident;
pub(crate) mod revocation;
pub(crate) mod roster;
pub(crate) mod seats;
pub(crate) mod services;
pub(crate) mod standing;
pub(crate) mod watches;
