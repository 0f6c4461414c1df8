//! Keeps sessions, tickets, revocations and audit records in one SQLite file.
//!
//! This is what lets a server on one machine restart without signing anybody out, with no other service
//! beside it. [`SqlStore`] keeps what admission asks for, [`SqlAudit`] what was decided; both write to
//! the same file. What a credential is worth is decided elsewhere: here stand hashes, times and names.
//! Start reading at [`SqlStore::open`].
//!
//! # Durability
//! What was answered is on the disk: it survives a crash of the process, and, as far as the disk keeps
//! its promises, a power cut. The file is in WAL mode with `synchronous = FULL`.
//!
//! # Security
//! The file is made readable for its owner only. It holds no token and no ticket, only their SHA-256.
//! Whoever deletes it ends all sessions, and forgets what was revoked: a foreign token that was revoked
//! and is still in time opens the door again.

mod accounts;
mod audit;
mod backup;
mod open_error;
mod postgres;
mod sqlite_file;
mod store;
mod time;

pub use audit::SqlAudit;
pub use backup::backup;
pub use open_error::OpenError;
pub use postgres::{ConnectError, PostgresStore};
pub use sqlite_file::{Schema, SqliteFile, failed as store_error};
pub use store::SqlStore;
