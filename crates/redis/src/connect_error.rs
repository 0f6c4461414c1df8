//! Reasons why a store cannot use a Redis server. Each message names a remedy.

use doorward_core::BoxError;

/// Reason why [`RedisStore::connect`](crate::RedisStore::connect) has failed.
///
/// # Security
/// Messages and causes never contain the password.
///
/// # Examples
/// ```
/// let address = "localhost:6379".to_owned();
/// let error = doorward_redis::ConnectError::Refused { address };
/// assert_eq!(error.to_string(), "localhost:6379 rejects the password or requires one: check the URL");
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The server does not answer, answers too late, is still loading its data, is busy with a script, or lacks its replicas.
    #[error("{address} does not answer: start Redis, or correct the URL")]
    Away {
        /// Address of the server, `host:port` or the path of its socket.
        address: String,
        /// Error of the connection.
        #[source]
        source: BoxError,
    },
    /// The server closes new connections, for example because it has reached its `maxclients`.
    #[error(
        "{address} closes new connections: raise its maxclients, write rediss:// if it uses TLS, or read its log"
    )]
    Closes {
        /// Address of the server, `host:port` or the path of its socket.
        address: String,
        /// Error of the connection.
        #[source]
        source: BoxError,
    },
    /// The server evicts keys when its memory is full, and could evict revocations.
    #[error("{address} may evict revocations under its maxmemory-policy {policy}: set noeviction")]
    Evicts {
        /// Address of the server, `host:port` or the path of its socket.
        address: String,
        /// Eviction policy of the server (`maxmemory-policy`).
        policy: String,
    },
    /// The peer at the address does not speak the Redis protocol.
    #[error("{address} is not a Redis server: correct the URL")]
    NotRedis {
        /// Address of the server, `host:port` or the path of its socket.
        address: String,
        /// Answer of the peer, as the client library reports it.
        #[source]
        source: BoxError,
    },
    /// The server is older than Redis 7.0.
    #[error("{address} is Redis {version}: 7.0 is the oldest that works")]
    Old {
        /// Address of the server, `host:port` or the path of its socket.
        address: String,
        /// Version of the server.
        version: String,
    },
    /// The server rejects the user or the password, or requires them and the URL has none.
    #[error("{address} rejects the password or requires one: check the URL")]
    Refused {
        /// Address of the server, `host:port` or the path of its socket.
        address: String,
    },
    /// The server is a replica, which accepts no writes.
    #[error("{address} is a replica: name the primary in the URL")]
    Replica {
        /// Address of the server, `host:port` or the path of its socket.
        address: String,
    },
    /// Certificates of authorities are given, and the URL requires no TLS.
    #[error(
        "certificates of authorities are given, and the URL of Redis has no TLS: write rediss://"
    )]
    CaWithoutTls,
    /// The certificates of the authorities cannot be read.
    #[error("the certificates of the authorities for Redis cannot be read: write them as PEM")]
    Ca,
    /// The certificate of the server is not accepted, or the server does not speak TLS.
    #[error(
        "{address} cannot be reached with TLS: name the authority of its certificate, or write redis:// if it does \
         not use TLS"
    )]
    Tls {
        /// Address of the server, `host:port` or the path of its socket.
        address: String,
        /// Error of TLS.
        #[source]
        source: BoxError,
    },
    /// The server answers with an error, for example because its user lacks a permission.
    #[error("{address} cannot be used: check the permissions of its user")]
    Unusable {
        /// Address of the server, `host:port` or the path of its socket.
        address: String,
        /// Error with which the server answered.
        #[source]
        source: BoxError,
    },
    /// The URL cannot be parsed.
    #[error("the URL of Redis cannot be read: write redis://user:password@host:port/database")]
    Url,
}

doorward_core::debug_as_sentence!(ConnectError);
