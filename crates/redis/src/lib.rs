//! Keeps sessions, tickets and revocations in Redis or Valkey, so that many servers share them.
//!
//! What belongs together is changed by one script, so there is never half of it. Nothing is taken for
//! absent because the server has not answered: whatever goes wrong is
//! [`Unavailable`](doorward_core::StoreError::Unavailable), after two seconds at most. What a credential
//! is worth is decided elsewhere: here stand hashes, times and names. Start reading at [`RedisStore`].
//!
//! # The floor
//! A Redis can come back empty, or older than it was: after `FLUSHALL`, after a crash, after a failover.
//! Then it has forgotten what was revoked, and nobody can say what. So the store keeps a *floor* beside
//! the revocations, read with each of them: everything that was made before it is refused, for all
//! users. The floor is set to now when it is missing, and when the server has been started anew and may
//! have lost what it had answered. Then everybody signs in again, and nothing that was revoked comes back.
//!
//! A server that is restarted in order, or after a crash, keeps everybody signed in if it loses nothing:
//! `appendonly yes` and `appendfsync always`.
//!
//! # What the server needs
//! - Redis 6.2 or Valkey, alone or with replicas behind it, not as a cluster.
//! - `maxmemory-policy noeviction`, if it has a `maxmemory`: a server that throws away what it likes throws
//!   away what was revoked, and is refused.
//! - With replicas, `min-replicas-to-write 1`: a primary that was cut off and replaced then stops
//!   answering, instead of answering with what is no longer true.
//! - A clock that differs from those of our servers by less than a minute.
//! - A user with rights to scripts, `INFO`, and all commands on keys of our prefix; with `CONFIG GET` it can
//!   be seen that nothing is lost when the server is started anew.

mod connect_error;
mod keys;
mod link;
mod scripts;
mod store;
mod time;

pub use connect_error::ConnectError;
pub use store::{RedisOptions, RedisStore};
