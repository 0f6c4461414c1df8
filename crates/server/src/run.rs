//! Runs the server.
//!
//! `assembly` builds it from [`Resources`](resources::Resources), `serve` starts and stops it. The other modules watch
//! something while it runs, or say something about it. Start reading at [`serve::run`].

mod announce;
pub(crate) mod assembly;
mod authenticator;
mod demo;
mod dependencies;
mod descriptors;
mod directory;
mod key_watch;
mod metrics;
pub(crate) mod resources;
pub(crate) mod serve;
mod signals;
