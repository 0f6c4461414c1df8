//! Runs the server.
//!
//! `serve` starts and stops the server. `assembly` builds it from [`Resources`](resources::Resources). While the
//! server runs, `dependencies` logs stores that do not answer and disks that are full, and `reload` handles SIGHUP.
//! The crate `doorward` handles SIGINT and SIGTERM, and performs the shutdown. Start reading at [`serve::run`].

mod announce;
pub(crate) mod assembly;
mod authenticator;
pub(crate) mod certificate;
mod demo;
mod dependencies;
pub(crate) mod descriptors;
mod directory;
pub(crate) mod issuers;
mod key_watch;
mod metrics;
mod reload;
pub(crate) mod resources;
pub(crate) mod serve;
