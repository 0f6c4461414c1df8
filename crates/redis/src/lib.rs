//! Keeps sessions, tickets and revocations in Redis or Valkey, so that many servers share them.
//!
//! Each change runs as one script or one command, so the server applies it completely or not at all. A
//! failure to answer is never taken for absence: it is
//! [`Unavailable`](doorward_core::StoreError::Unavailable), after two seconds at most. This crate stores
//! hashes, times and names; other crates decide if a credential is accepted. Start reading at
//! [`RedisStore`].
//!
//! # The floor
//! Redis can lose data: after `FLUSHALL`, after a crash, after a failover. Revocations may then be
//! missing, and the store cannot tell which. Therefore it keeps a *floor* beside the revocations, and
//! reads it with each of them. Every credential issued before the floor is rejected, for all users.
//!
//! The store sets the floor to the current time in two cases: the floor is missing, or the server has
//! restarted or been a replica and may have lost acknowledged writes. All users then have to sign in again,
//! and no revocation is undone.
//!
//! With `appendonly yes` and `appendfsync always` the server loses no acknowledged write. Users then stay
//! signed in when it restarts, also after a crash.
//!
//! # Requirements on the server
//! - Redis 6.2 or later, or Valkey; standalone or with replicas, not a cluster.
//! - `maxmemory-policy noeviction`, if `maxmemory` is set. Any other policy could evict revocations, and
//!   such a server is refused.
//! - With replicas, `min-replicas-to-write 1`. A primary that was partitioned away and replaced then stops
//!   answering, instead of answering with outdated data.
//! - A clock within one minute of the clocks of the Doorward nodes.
//! - A user with permission for scripts, `INFO`, and all commands on keys with the store's prefix.
//!   Permission for `CONFIG GET` is optional. Without it, the store cannot see that the server syncs each
//!   write, and raises the floor after every restart.

mod connect_error;
mod keys;
mod link;
mod scripts;
mod store;
mod time;

pub use connect_error::ConnectError;
pub use store::{RedisOptions, RedisStore};
