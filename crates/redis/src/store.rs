//! The store of sessions, tickets and revocations.

mod epochs;
mod record;
mod sessions;
mod tickets;

use std::{fmt, sync::Arc};

use crate::{ConnectError, keys::Keys, link::Link, scripts::Scripts};

/// A store that keeps everything in Redis or Valkey.
///
/// It implements [`SessionStore`](doorward_core::SessionStore),
/// [`TicketStore`](doorward_core::TicketStore) and [`Epochs`](doorward_core::Epochs); clones share the
/// connection. An operation takes two seconds at most and is
/// [`Unavailable`](doorward_core::StoreError::Unavailable) then, as it is while the server is away, still
/// reading its data, a replica, or short of a right. A store needs not be made anew: it connects again by
/// itself, with the next operation. A server at its `maxmemory` is
/// [`Full`](doorward_core::StoreError::Full).
///
/// What is answered is as durable as the server is told to make it; see the [crate](crate) for what is
/// refused after it has come back with less.
///
/// # Examples
/// ```no_run
/// use doorward_redis::{ConnectError, RedisStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), ConnectError> {
/// let store = RedisStore::connect("redis://localhost:6379").await?;
/// # drop(store);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore(Arc<Inner>);

struct Inner {
    link: Link,
    keys: Keys,
    scripts: Scripts,
}

impl RedisStore {
    /// Connects to the server at `redis://[user:password@]host[:port][/database]`, or at
    /// `redis+unix:///path`, with the default [`RedisOptions`].
    ///
    /// # Errors
    /// [`ConnectError`] says what is wrong with the server and what to do.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        RedisOptions::default().connect(url).await
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("link", &self.0.link).finish_non_exhaustive()
    }
}

/// How a store uses its server.
///
/// # Examples
/// ```no_run
/// # async fn connect() -> Result<(), doorward_redis::ConnectError> {
/// use doorward_redis::RedisOptions;
///
/// let store = RedisOptions::default().prefix("shop:").connect("redis://localhost").await?;
/// # drop(store);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RedisOptions {
    prefix: Box<str>,
    trusts_failover: bool,
}

impl RedisOptions {
    /// What stands before every key. Stores with one prefix are one store. Default: `doorward:`.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Goes on with what a server has that was started anew or has been a replica, although it may lack
    /// the last of what was answered. Default: everybody has to sign in again then, unless the server
    /// was started anew with `appendonly yes` and `appendfsync always`.
    ///
    /// # Security
    /// What was revoked last comes back: a second of it with `appendfsync everysec` or asynchronous
    /// replicas, and all since the last snapshot without a log.
    #[must_use]
    pub fn danger_trust_failover(mut self) -> Self {
        self.trusts_failover = true;
        self
    }

    /// Connects.
    ///
    /// # Errors
    /// [`ConnectError`] says what is wrong with the server and what to do.
    pub async fn connect(&self, url: &str) -> Result<RedisStore, ConnectError> {
        let (keys, scripts) = (Keys::new(&self.prefix), Scripts::new());
        let link = Link::open(url, &keys, &scripts, self.trusts_failover).await?;
        Ok(RedisStore(Arc::new(Inner { link, keys, scripts })))
    }
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self { prefix: "doorward:".into(), trusts_failover: false }
    }
}
