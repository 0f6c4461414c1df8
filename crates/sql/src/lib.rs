//! Keeps sessions, tickets, revocations, accounts and audit records in one SQLite file.
//!
//! With this crate, a server on a single machine can restart without signing users out, and needs no other
//! service. [`SqlStore`] keeps the data that admission and sign-in read, and [`SqlAudit`] keeps audit
//! records. Both write to the same file. For several machines, [`PostgresStore`] keeps accounts in
//! PostgreSQL. [`SqliteFile`] and [`PostgresDatabase`] are for tables of an application. This crate only stores
//! data. Other crates decide if a credential is accepted. Start reading at [`SqlStore::open`].
//!
//! # Durability
//! An acknowledged change is on the disk. The change survives a crash of the process, and also a power cut if
//! the disk honours `fsync`. The file is in WAL mode with `synchronous = FULL`.
//!
//! # Security
//! A new file is readable only by its owner. The file contains the SHA-256 of tokens and tickets, never a token or
//! a ticket. Deleting the file ends all sessions, but also loses all revocations. A revoked token of another issuer
//! is then accepted again until it expires. [`SqlStore::open_refusing_before`] prevents this.

mod accounts;
mod audit;
mod backup;
mod open_error;
mod patience;
mod postgres;
mod sqlite_file;
mod sqlx_error;
mod store;
mod time;

pub use audit::SqlAudit;
pub use backup::backup;
pub use open_error::OpenError;
pub use postgres::{ConnectError, PostgresDatabase, PostgresStore, Tables};
pub use sqlite_file::{Schema, SqliteFile};
pub use sqlx_error::failed as store_error;
pub use store::SqlStore;
