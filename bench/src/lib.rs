//! What the programs of this benchmark agree on.
//!
//! `floor` and `subject` are two servers that do the same work, `load` is a client that measures one
//! of them, and `compare` runs them in turn and prints a table. Start reading at `src/bin/compare`.

pub mod credentials;
pub mod measurement;
pub mod output;
pub mod process;

/// What every program ends with when it cannot go on.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Where every server listens: a free port of the first loopback address.
pub const LISTEN: &str = "127.0.0.1:0";
