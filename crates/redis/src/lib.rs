//! Keeps sessions, tickets and revocations in Redis or Valkey, so that many servers share them.
//!
//! Each change runs as one script or one command, so the server applies it completely or not at all. If the
//! server does not answer, an operation never reports an absent entry. It fails with
//! [`Unavailable`](doorward_core::StoreError::Unavailable), after at most two seconds. This crate only stores
//! data. Other crates decide if a credential is accepted. Start reading at [`RedisStore`].
//!
//! # The floor
//! Redis can lose data after `FLUSHALL`, a crash or a failover. Revocations may then be missing, and the
//! store cannot tell which. It therefore keeps a *floor* beside the revocations, and reads the floor with
//! each revocation state. Every credential of any user that was issued before the floor is rejected.
//!
//! The store sets the floor to the current time if the floor is missing. It also does so if the server has
//! restarted or was a replica, and may have lost acknowledged writes. All users must then sign in again, and no
//! revocation is undone.
//!
//! With `appendonly yes` and `appendfsync always`, the server loses no acknowledged write. Users then stay signed
//! in when the server restarts, even after a crash.
//!
//! # Requirements on the server
//! - Redis 7.0 or later, or Valkey. It may have replicas, but must not be a cluster.
//! - `maxmemory-policy noeviction`, if `maxmemory` is set. Any other policy could evict revocations, so the
//!   store refuses such a server.
//! - With replicas, `min-replicas-to-write 1`. A primary that was partitioned away and replaced then stops
//!   answering. Otherwise it would answer with outdated data.
//! - A clock within one minute of the clocks of the Doorward nodes.
//! - A user with permission for scripts, `INFO`, and all commands on keys with the store's prefix. Permission
//!   for `CONFIG GET` is optional. Without this permission, the store cannot see that the server syncs each
//!   write, and raises the floor after every restart.

mod answer;
mod bridge;
mod cluster;
mod connect_error;
mod examination;
mod incoming;
mod keys;
mod link;
mod scripts;
mod store;
mod time;

pub use bridge::SocketIoBridge;
pub use cluster::RedisCluster;
pub use connect_error::ConnectError;
pub use examination::Examination;
pub use store::{RedisOptions, RedisStore, SigningKeys};
