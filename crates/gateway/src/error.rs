//! What can go wrong before anybody is served.

use std::{io, net::SocketAddr, sync::Arc};

use doorward_core::BoxError;

use crate::{LimitError, TrustedProxyError};

/// The result of a program that serves.
///
/// # Examples
/// ```no_run
/// #[tokio::main]
/// async fn main() -> doorward::Result {
///     Ok(())
/// }
/// ```
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Anything that keeps a server from serving.
///
/// # Examples
/// ```
/// use doorward::{BuildError, Error};
///
/// let error = Error::from(BuildError::NoGateway);
/// assert_eq!(error.to_string(), "the server cannot be built");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The program put together something that cannot be.
    #[error("the server cannot be built")]
    Build(#[from] BuildError),
    /// A key cannot be used.
    #[error("a key cannot be used")]
    Key(#[from] doorward_auth::KeyError),
    /// The server cannot listen.
    #[error("the server cannot serve")]
    Serve(#[from] ServeError),
}

/// A mistake in how a server is put together. The programmer's fault.
///
/// # Examples
/// ```
/// use doorward::{BuildError, prelude::*};
///
/// let built = Doorward::builder()
///     .public(Gateway::at("/").on("disconnect", || async {}))
///     .build();
/// assert!(matches!(built, Err(BuildError::ReservedEvent { .. })));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A gateway whose handlers may never run: see [`Gateway::concurrency`](crate::Gateway::concurrency).
    #[error("the concurrency of namespace {namespace} is 0, and must be 1 at least")]
    Concurrency {
        /// Where.
        namespace: Arc<str>,
    },
    /// Two gateways of one namespace say different things.
    #[error("the gateways of namespace {namespace} do not agree about {option}")]
    Conflict {
        /// Where.
        namespace: Arc<str>,
        /// About what.
        option: &'static str,
    },
    /// Two handlers for one event.
    #[error("namespace {namespace} has two handlers for the event {event:?}")]
    DuplicateEvent {
        /// Where.
        namespace: Arc<str>,
        /// Which.
        event: Arc<str>,
    },
    /// Two policies for one pattern.
    #[error("namespace {namespace} has two policies for the rooms {room:?}")]
    DuplicateRoom {
        /// Where.
        namespace: Arc<str>,
        /// Which.
        room: Arc<str>,
    },
    /// A name that is empty or longer than clients may send.
    #[error("namespace {namespace} has a handler for {event:?}, which is empty or too long")]
    EventName {
        /// Where.
        namespace: Arc<str>,
        /// Which.
        event: Arc<str>,
    },
    /// A limit that is outside of its bounds, or contradicts another one.
    #[error("the limit {0}")]
    Limit(#[from] LimitError),
    /// One gateway says that its namespace is public, another that it is not.
    #[error("namespace {namespace} has both a public and a private gateway")]
    MixedNamespace {
        /// Where.
        namespace: Arc<str>,
    },
    /// A name that clients cannot ask for: it must begin with a slash, hold no comma and no
    /// question mark, and be at most 255 bytes.
    #[error("{namespace:?} is no name for a namespace")]
    Namespace {
        /// Which.
        namespace: Arc<str>,
    },
    /// Nothing is mounted.
    #[error("no gateway is mounted")]
    NoGateway,
    /// A text that names no proxy: see [`Builder::trusted_proxies`](crate::Builder::trusted_proxies).
    #[error(transparent)]
    TrustedProxy(#[from] TrustedProxyError),
    /// A path that does not begin and end with a slash.
    #[error("the path {path:?} must begin and end with a slash")]
    Path {
        /// Which.
        path: Box<str>,
    },
    /// A public namespace with a number of connections for each user: everybody there is the same.
    #[error(
        "nobody has a name in the public namespace {namespace}, so connections cannot be counted"
    )]
    PublicConnections {
        /// Where.
        namespace: Arc<str>,
    },
    /// An event that belongs to the library itself.
    #[error("namespace {namespace} has a handler for {event:?}, which no client may send")]
    ReservedEvent {
        /// Where.
        namespace: Arc<str>,
        /// Which.
        event: Arc<str>,
    },
    /// A pattern that is none: text with placeholders such as `team:{id}`, beginning with text that is
    /// not `user:`, `session:` or `socket:`, and with text between two placeholders.
    #[error("namespace {namespace} has a policy for {room:?}, which is no pattern of rooms")]
    RoomPattern {
        /// Where.
        namespace: Arc<str>,
        /// Which.
        room: Arc<str>,
    },
}

/// Why a server cannot listen, or has stopped.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use doorward::{Listeners, ServeError};
///
/// let error = Listeners::bind("localhost:nonsense").await.unwrap_err();
/// assert!(matches!(error, ServeError::Address { .. }));
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address is no `HOST:PORT`, or the host is not known.
    #[error("{address:?} is no address to listen on")]
    Address {
        /// What was given.
        address: Box<str>,
        /// What the resolver says.
        source: io::Error,
    },
    /// The address cannot be listened on: somebody else does, or it is not this machine's.
    #[error("cannot listen on {address}")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// A gateway's `on_init` failed.
    #[error("a gateway could not be initialised")]
    Init(#[source] BoxError),
    /// The signals that stop the server cannot be listened to.
    #[error("cannot listen to signals")]
    Signals(#[source] io::Error),
}
