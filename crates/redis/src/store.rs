//! Store of sessions, tickets and revocations.

mod record;
mod revocations;
mod sessions;
mod signing_keys;
mod tickets;

pub use signing_keys::SigningKeys;

pub(crate) use revocations::Written;

use std::{fmt, sync::Arc};

use crate::{ConnectError, keys::Keys, link::Link, scripts::Scripts};

/// Store of sessions, tickets and revocations in Redis or Valkey.
///
/// It implements [`SessionStore`](doorward_core::SessionStore), [`TicketStore`](doorward_core::TicketStore)
/// and [`RevocationStore`](doorward_core::RevocationStore). Clones share one connection. After a failure, the
/// next operation reconnects, so the application need not create the store again.
///
/// An operation takes at most two seconds. It fails with
/// [`Unavailable`](doorward_core::StoreError::Unavailable) if the server does not answer in that time, is
/// loading its data, is a replica, or denies a permission. It fails with
/// [`Full`](doorward_core::StoreError::Full) if the server has reached its `maxmemory`.
///
/// Acknowledged writes are as durable as the server's settings make them. The [crate](crate) describes
/// how the store treats credentials after the server has lost writes.
///
/// # Examples
/// ```no_run
/// use doorward_redis::{ConnectError, RedisStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), ConnectError> {
/// let store = RedisStore::connect("redis://localhost:6379").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) link: Link,
    pub(crate) keys: Keys,
    pub(crate) scripts: Scripts,
}

impl RedisStore {
    /// Connects to the server at `redis://[user:password@]host[:port][/database]`, at `rediss://..` with TLS, or at
    /// `redis+unix:///path`, with the default [`RedisOptions`].
    ///
    /// # Errors
    /// Returns a [`ConnectError`] that names the problem and the remedy.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        RedisOptions::default().connect(url).await
    }

    /// Returns the address of the server, `host:port` or the path of its socket, and `/` with the number of the database
    /// unless that is 0. It contains no password.
    ///
    /// # Examples
    /// ```
    /// use doorward_redis::RedisOptions;
    ///
    /// let store = RedisOptions::default().open("redis://doorward:secret@localhost")?;
    /// assert_eq!(store.address(), "localhost:6379");
    /// let store = RedisOptions::default().open("redis://localhost/2")?;
    /// assert_eq!(store.address(), "localhost:6379/2");
    /// # Ok::<_, doorward_redis::ConnectError>(())
    /// ```
    #[must_use]
    pub fn address(&self) -> String {
        let (client, address) = self.0.link.client_and_address();
        match client.get_connection_info().redis_settings().db() {
            0 => address,
            database => format!("{address}/{database}"),
        }
    }

    /// Opens the connection of a store from [`RedisOptions::open`]. Does nothing if it is open. Fails after 2 s.
    ///
    /// # Errors
    /// Returns a [`ConnectError`] that names the problem and the remedy.
    ///
    /// # Cancel safety
    /// If the future is dropped, a later operation connects.
    pub async fn try_connect(&self) -> Result<(), ConnectError> {
        self.0.link.connect().await
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("link", &self.0.link).finish_non_exhaustive()
    }
}

/// Settings of a [`RedisStore`].
///
/// # Examples
/// ```no_run
/// # async fn connect() -> Result<(), doorward_redis::ConnectError> {
/// use doorward_redis::RedisOptions;
///
/// let store = RedisOptions::default().prefix("shop:").connect("redis://localhost").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RedisOptions {
    prefix: Box<str>,
    trusts_failover: bool,
    pub(crate) ca: Option<Box<[u8]>>,
}

impl RedisOptions {
    /// Sets the prefix of all keys. Stores with the same prefix share their data. The default is
    /// `{doorward}:`.
    #[must_use]
    pub fn prefix(self, prefix: &str) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// Sets the certificates of the authorities that may have issued the certificate of the server, as PEM. They
    /// are used with a URL that begins with `rediss://`. The default is the authorities that the machine trusts.
    #[must_use]
    pub fn ca(self, pem: &[u8]) -> Self {
        Self { ca: Some(pem.into()), ..self }
    }

    /// Keeps users signed in after the server has restarted or was promoted from a replica, although it may
    /// have lost acknowledged writes. By default, all users must then sign in again, unless the server has
    /// restarted with `appendonly yes` and `appendfsync always`.
    ///
    /// # Security
    /// Revocations that the server has lost are undone. With `appendfsync everysec` or asynchronous replicas,
    /// these are the revocations of about the last second. Without an append-only log, these are all
    /// revocations since the last snapshot.
    #[must_use]
    pub fn danger_trust_failover(self) -> Self {
        Self { trusts_failover: true, ..self }
    }

    /// Connects to the server at `url`, in the form that [`RedisStore::connect`] describes.
    ///
    /// # Errors
    /// Returns a [`ConnectError`] that names the problem and the remedy.
    pub async fn connect(&self, url: &str) -> Result<RedisStore, ConnectError> {
        let store = self.open(url)?;
        store.try_connect().await?;
        Ok(store)
    }

    /// Creates a store without a connection. Its first operation connects. Operations fail with
    /// [`Unavailable`](doorward_core::StoreError::Unavailable) until the server can be used.
    ///
    /// # Errors
    /// [`ConnectError::Url`] if the URL cannot be parsed, and [`ConnectError::Ca`] or
    /// [`ConnectError::CaWithoutTls`] if the certificates cannot be used.
    ///
    /// # Examples
    /// ```
    /// use doorward_redis::RedisOptions;
    ///
    /// let store = RedisOptions::default().open("redis://localhost")?;
    /// # Ok::<_, doorward_redis::ConnectError>(())
    /// ```
    pub fn open(&self, url: &str) -> Result<RedisStore, ConnectError> {
        let (keys, scripts) = (Keys::new(&self.prefix), Scripts::new());
        let link = Link::new(url, self.ca.as_deref(), &keys, &scripts, self.trusts_failover)?;
        Ok(RedisStore(Arc::new(Inner { link, keys, scripts })))
    }
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self { prefix: "{doorward}:".into(), trusts_failover: false, ca: None }
    }
}
