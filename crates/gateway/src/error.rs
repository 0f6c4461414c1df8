//! What can go wrong before anybody is served.

use std::{io, net::SocketAddr, sync::Arc};

use doorward_core::BoxError;

use crate::{limits::value::LimitError, peer::proxies::TrustedProxyError};

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
/// It prints the sentence of its cause, also by `Debug`, which is what `fn main() -> doorward::Result` shows.
///
/// # Examples
/// ```
/// use doorward::{BuildError, Error};
///
/// let error = Error::from(BuildError::NoGateway);
/// assert!(format!("{error:?}").starts_with("no gateway is mounted: add one with .gateway(..) or .public(..)"));
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server cannot be built as the program says.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A namespace is not mounted, or has another principal.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// Input or output of the program failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A key cannot be used.
    #[error(transparent)]
    Key(#[from] doorward_auth::KeyError),
    /// A text is not an origin.
    #[error(transparent)]
    Origin(#[from] doorward_auth::OriginError),
    /// Another error of the program.
    #[error(transparent)]
    Other(#[from] BoxError),
    /// The server cannot listen.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

doorward_core::debug_as_sentence!(Error);

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
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A gateway whose handlers may never run: see [`Gateway::concurrency`](crate::Gateway::concurrency).
    #[error("the concurrency of namespace {namespace} is 0, and must be 1 at least")]
    Concurrency {
        /// Where.
        namespace: Arc<str>,
    },
    /// Two gateways of one namespace say different things.
    #[error("the gateways of namespace {namespace} do not agree about {option}: say it once")]
    Conflict {
        /// Where.
        namespace: Arc<str>,
        /// About what.
        option: &'static str,
    },
    /// Two handlers for one event.
    #[error("namespace {namespace} has two handlers for the event {event:?}: remove one")]
    DuplicateEvent {
        /// Where.
        namespace: Arc<str>,
        /// Which.
        event: Arc<str>,
    },
    /// Two policies for one pattern.
    #[error("namespace {namespace} has two policies for the rooms {room:?}: remove one")]
    DuplicateRoom {
        /// Where.
        namespace: Arc<str>,
        /// Which.
        room: Arc<str>,
    },
    /// A name that is empty or longer than clients may send.
    #[error(
        "namespace {namespace} has a handler for {event:?}, which is empty or longer than max_event_name"
    )]
    EventName {
        /// Where.
        namespace: Arc<str>,
        /// Which.
        event: Arc<str>,
    },
    /// [`Builder::hub`](crate::Builder::hub) was asked for a namespace that has no gateway.
    #[error(
        "a hub of namespace {namespace} was given out, and no gateway is mounted there: mount one, or correct the name"
    )]
    Hub {
        /// The namespace.
        namespace: Arc<str>,
    },
    /// A limit that is outside of its bounds, or contradicts another one.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// One gateway says that its namespace is public, another that it is not.
    #[error(
        "namespace {namespace} has both a public and a private gateway: mount one of them elsewhere"
    )]
    MixedNamespace {
        /// Where.
        namespace: Arc<str>,
    },
    /// A name that clients cannot ask for: it must begin with a slash, hold no comma and no
    /// question mark, and be at most 255 bytes.
    #[error(
        "{namespace:?} is no name for a namespace: it begins with \"/\", has no comma and no question mark, and \
         at most 255 bytes"
    )]
    Namespace {
        /// Which.
        namespace: Arc<str>,
    },
    /// Nothing is mounted.
    #[error("no gateway is mounted: add one with .gateway(..) or .public(..)")]
    NoGateway,
    /// A text that names no proxy: see [`Builder::trusted_proxies`](crate::Builder::trusted_proxies).
    #[error(transparent)]
    TrustedProxy(#[from] TrustedProxyError),
    /// A path that does not begin and end with a slash.
    #[error("the path {path:?} must begin and end with \"/\"")]
    Path {
        /// Which.
        path: Box<str>,
    },
    /// A public namespace with a number of connections for each user: everybody there is the same.
    #[error(
        "namespace {namespace} is public, so its clients are no users whose connections can be counted: leave \
         .connections(..) out"
    )]
    PublicConnections {
        /// Where.
        namespace: Arc<str>,
    },
    /// An event that belongs to the library itself.
    #[error(
        "namespace {namespace} has a handler for {event:?}, which no client may send: give the event \
         another name"
    )]
    ReservedEvent {
        /// Where.
        namespace: Arc<str>,
        /// Which.
        event: Arc<str>,
    },
    /// A pattern that is none: text with placeholders such as `team:{id}`, beginning with text that is
    /// not `user:`, `session:` or `socket:`, and with text between two placeholders.
    #[error(
        "namespace {namespace} has a policy for {room:?}, which is no pattern of rooms: write text \
         with placeholders between it, such as team:{{id}}"
    )]
    RoomPattern {
        /// Where.
        namespace: Arc<str>,
        /// Which.
        room: Arc<str>,
    },
}

doorward_core::debug_as_sentence!(BuildError);

/// Error of [`Doorward::hub`](crate::Doorward::hub).
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// let doorward = Doorward::builder().public(Gateway::at("/news")).build()?;
/// let error = doorward.hub::<Anonymous>("/new").unwrap_err();
/// assert_eq!(error.to_string(), "no gateway is mounted at /new: there are /news");
/// # Ok::<_, doorward::BuildError>(())
/// ```
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// The namespace has clients of another principal type.
    #[error("the clients of {namespace} are of another type: they are `{principal}`")]
    Principal {
        /// The namespace.
        namespace: Arc<str>,
        /// Name of the principal's type.
        principal: Box<str>,
    },
    /// No gateway is mounted there.
    #[error("no gateway is mounted at {namespace}: there are {}", mounted.join(", "))]
    Unmounted {
        /// The namespace.
        namespace: Arc<str>,
        /// Namespaces that have gateways.
        mounted: Box<[Box<str>]>,
    },
}

doorward_core::debug_as_sentence!(HubError);

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
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address is no `HOST:PORT`, or the host is not known.
    #[error(
        "{address:?} is no address to listen on: write HOST:PORT with a host of this machine, such as localhost:3000"
    )]
    Address {
        /// What was given.
        address: Box<str>,
        /// What the resolver says.
        source: io::Error,
    },
    /// The address cannot be listened on: somebody else does, or it is not this machine's.
    #[error("cannot listen on {address}{}", remedy(source.kind()))]
    Bind {
        /// Which.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// A gateway's `on_init` failed.
    #[error("the on_init of a gateway has failed")]
    Init(#[source] BoxError),
    /// The signals that stop the server cannot be listened to.
    #[error("cannot listen to signals")]
    Signals(#[source] io::Error),
}

doorward_core::debug_as_sentence!(ServeError);

/// What helps when an address cannot be listened on.
fn remedy(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::AddrInUse => ", where another program listens: end it, or take another port",
        io::ErrorKind::AddrNotAvailable => ", which is no address of this machine",
        io::ErrorKind::PermissionDenied => {
            ": take a port from 1024 on, or allow the program to use this one"
        }
        _ => "",
    }
}
