//! Code that the programs of this benchmark share.
//!
//! `floor` and `subject` are two servers that do the same work. `load` is a client that measures one server.
//! `compare` runs the servers in turn and prints a table. Start reading at `src/bin/compare`.

pub mod credentials;
mod failure;
pub mod measurement;
pub mod output;
pub mod process;

pub use failure::Failure;

/// Address on which every server listens: a free port of 127.0.0.1.
pub const LISTEN: &str = "127.0.0.1:0";
