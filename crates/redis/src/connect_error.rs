//! Why the server cannot be used: what, where, and what to do.

use doorward_core::BoxError;

/// Why [`RedisStore::connect`](crate::RedisStore::connect) has not connected.
///
/// # Security
/// It names the server, and never the password.
///
/// # Examples
/// ```
/// let address = "localhost:6379".to_owned();
/// let error = doorward_redis::ConnectError::Refused { address };
/// assert_eq!(error.to_string(), "localhost:6379 refuses the password, or wants one: see the URL");
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Nobody answers there, or too late, or the server is still reading its data.
    #[error("{address} does not answer: start the server, or correct the URL")]
    Away {
        /// The server.
        address: String,
        /// What happened.
        #[source]
        source: BoxError,
    },
    /// The server throws away what it likes when it is full, also what was revoked.
    #[error(
        "{address} has the maxmemory-policy {policy}, by which it forgets revocations: set noeviction"
    )]
    Evicts {
        /// The server.
        address: String,
        /// Its policy.
        policy: String,
    },
    /// Somebody answers who is no Redis.
    #[error("{address} is no Redis server: correct the URL")]
    NotRedis {
        /// The server.
        address: String,
        /// What was answered.
        #[source]
        source: BoxError,
    },
    /// The version of the server is too old.
    #[error("{address} is Redis {version}: 6.2 is the oldest that works")]
    Old {
        /// The server.
        address: String,
        /// Its version.
        version: String,
    },
    /// The server does not know us.
    #[error("{address} refuses the password, or wants one: see the URL")]
    Refused {
        /// The server.
        address: String,
    },
    /// The server follows another one and takes no changes.
    #[error("{address} is a replica: name the primary in the URL")]
    Replica {
        /// The server.
        address: String,
    },
    /// The URL says that the connection is to be encrypted.
    #[error(
        "Redis is to be reached by TLS, which is not supported: use a tunnel or a private network"
    )]
    Tls,
    /// The server answers, and not with what it should.
    #[error("{address} cannot be used: look at the rights of its user")]
    Unusable {
        /// The server.
        address: String,
        /// What was answered.
        #[source]
        source: BoxError,
    },
    /// The URL cannot be read.
    #[error("the URL of Redis cannot be read: write redis://user:password@host:port/database")]
    Url,
}

doorward_core::debug_as_sentence!(ConnectError);
