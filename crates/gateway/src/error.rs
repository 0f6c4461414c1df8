//! Errors that occur when a server is built or started, or when one of its hubs is looked up. Start
//! reading at [`Error`].

#[cfg(feature = "axum")]
pub(crate) mod authentication;
pub(crate) mod tls;

use std::{io, sync::Arc};

use doorward_core::BoxError;

use crate::{error::tls::TlsError, limits::value::LimitError, peer::proxies::TrustedProxyError};

/// Result of a program that runs a server. Its default error is [`Error`].
///
/// # Examples
/// ```no_run
/// #[tokio::main]
/// async fn main() -> doorward::Result {
///     Ok(())
/// }
/// ```
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Any error that keeps a server from serving.
///
/// `Debug` prints the same sentence as `Display`, because `fn main() -> doorward::Result` reports
/// errors with `Debug`.
///
/// # Examples
/// ```
/// use doorward::{Error, server::BuildError};
///
/// let error = Error::from(BuildError::NoGateway);
/// assert!(format!("{error:?}").starts_with("no gateway is mounted: add one with .gateway(..) or .public(..)"));
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration of the server is invalid.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// [`Doorward::hub`](crate::Doorward::hub) was called for a namespace that is not mounted or
    /// has another principal.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// The authenticator of a server cannot be used for routes.
    #[cfg(feature = "axum")]
    #[error(transparent)]
    Authentication(#[from] authentication::AuthenticationError),
    /// An issuer of tokens cannot be used.
    #[cfg(feature = "issuers")]
    #[error(transparent)]
    Issuer(#[from] doorward_auth::IssuerError),
    /// Several issuers cannot be trusted together.
    #[error(transparent)]
    Issuers(#[from] doorward_auth::IssuersError),
    /// An I/O operation of the program failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A key for tokens is invalid.
    #[error(transparent)]
    Key(#[from] doorward_auth::KeyError),
    /// The certificate of the server cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A text that was given as the origin of a web page is not an origin.
    #[error(transparent)]
    Origin(#[from] doorward_auth::OriginError),
    /// Another error of the program.
    #[error(transparent)]
    Other(#[from] BoxError),
    /// The server cannot start. For example, it cannot listen on its address, or an init hook
    /// failed.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

doorward_core::debug_as_sentence!(Error);

/// Mistake in the configuration of a server, found by [`Builder::build`](crate::Builder::build).
///
/// # Examples
/// ```
/// use doorward::{prelude::*, server::BuildError};
///
/// let built = Doorward::builder()
///     .public(Gateway::at("/").on("disconnect", || async {}))
///     .build();
/// assert!(matches!(built, Err(BuildError::ReservedEvent { .. })));
/// ```
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A gateway has a concurrency of 0, so no handler could run. See
    /// [`Gateway::concurrency`](crate::Gateway::concurrency).
    #[error("the concurrency of namespace {namespace} is 0, and must be at least 1")]
    Concurrency {
        /// Namespace of the gateway.
        namespace: Arc<str>,
    },
    /// Two gateways of one namespace set an option to different values.
    #[error("the gateways of namespace {namespace} set {option} to different values: set it once")]
    Conflict {
        /// Namespace that the gateways share.
        namespace: Arc<str>,
        /// Method of [`Gateway`](crate::Gateway) that sets the option.
        option: &'static str,
    },
    /// An event has two handlers.
    #[error("namespace {namespace} has two handlers for the event {event:?}: remove one")]
    DuplicateEvent {
        /// Namespace of the event.
        namespace: Arc<str>,
        /// Name of the event.
        event: Arc<str>,
    },
    /// A room pattern has two policies.
    #[error("namespace {namespace} has two policies for the rooms {room:?}: remove one")]
    DuplicateRoom {
        /// Namespace of the rooms.
        namespace: Arc<str>,
        /// Pattern of the rooms.
        room: Arc<str>,
    },
    /// The name of an event is empty, or longer than
    /// [`Limits::max_event_name`](crate::Limits::max_event_name).
    #[error(
        "namespace {namespace} has a handler for {event:?}, which is empty or longer than max_event_name"
    )]
    EventName {
        /// Namespace of the event.
        namespace: Arc<str>,
        /// Name of the event.
        event: Arc<str>,
    },
    /// [`Builder::hub`](crate::Builder::hub) or [`Builder::public_hub`](crate::Builder::public_hub)
    /// was called with a namespace that has no gateway.
    #[error(
        "a hub of namespace {namespace} was given out, and no gateway is mounted there: mount one, or correct the name"
    )]
    Hub {
        /// Namespace that was passed to the method.
        namespace: Arc<str>,
    },
    /// A gateway at a pattern has an init hook, but clients open its namespaces later. See
    /// [`Gateway::at`](crate::Gateway::at).
    #[error(
        "the namespaces of pattern {namespace} are opened by clients, and on_init cannot run for them: remove the hook"
    )]
    PatternInit {
        /// Pattern of the gateway.
        namespace: Arc<str>,
    },
    /// A limit is out of its bounds, or contradicts another limit.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// A namespace has both a public and a private gateway.
    #[error(
        "namespace {namespace} has both a public and a private gateway: mount one of them elsewhere"
    )]
    MixedNamespace {
        /// Namespace of both gateways.
        namespace: Arc<str>,
    },
    /// No client can connect to a namespace with this name. A name begins with a slash, contains no
    /// comma, question mark or control character, and is at most 255 bytes long.
    #[error(
        "{namespace:?} is not a name for a namespace: it must begin with \"/\", contain no comma and no question \
         mark, and be at most 255 bytes long"
    )]
    Namespace {
        /// Rejected name.
        namespace: Arc<str>,
    },
    /// The server has no gateway.
    #[error("no gateway is mounted: add one with .gateway(..) or .public(..)")]
    NoGateway,
    /// A trusted proxy is neither an address nor a network, or is too large a network. See
    /// [`Builder::trusted_proxies`](crate::Builder::trusted_proxies).
    #[error(transparent)]
    TrustedProxy(#[from] TrustedProxyError),
    /// The name of the cookie for load balancers is not a name of a cookie, or begins with `__`.
    #[error("{name:?} is not a name of a cookie: use letters, digits, \"-\" and \"_\"")]
    NodeCookie {
        /// Rejected name.
        name: Box<str>,
    },
    /// The path of the server does not begin and end with a slash.
    #[error("the path {path:?} must begin and end with \"/\"")]
    Path {
        /// Rejected path.
        path: Box<str>,
    },
    /// A public namespace limits the connections of each user. The clients of a public namespace
    /// are not authenticated and all share one user, so the limit cannot be applied.
    #[error(
        "namespace {namespace} is public, so its clients have no user whose connections could be counted: remove \
         .connections(..)"
    )]
    PublicConnections {
        /// Public namespace.
        namespace: Arc<str>,
    },
    /// A handler is for an event name that is reserved for Socket.IO or for this library.
    #[error(
        "namespace {namespace} has a handler for {event:?}, which no client may send: give the event \
         another name"
    )]
    ReservedEvent {
        /// Namespace of the handler.
        namespace: Arc<str>,
        /// Reserved name.
        event: Arc<str>,
    },
    /// The pattern of a room policy is invalid. An example of a valid pattern is `team:{id}`.
    ///
    /// A pattern begins with literal text other than `user:`, `session:` and `socket:`, and has
    /// literal text between any two placeholders.
    #[error(
        "namespace {namespace} has a policy for {room:?}, which is not a room pattern: write literal \
         text with placeholders, such as team:{{id}}"
    )]
    RoomPattern {
        /// Namespace of the policy.
        namespace: Arc<str>,
        /// Rejected pattern.
        room: Arc<str>,
    },
}

doorward_core::debug_as_sentence!(BuildError);

/// Error returned by [`Doorward::hub`](crate::Doorward::hub).
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// let doorward = Doorward::builder().public(Gateway::at("/news")).build()?;
/// let error = doorward.hub::<Anonymous>("/new").unwrap_err();
/// assert_eq!(error.to_string(), "no gateway is mounted at /new: there are /news");
/// # Ok::<_, doorward::server::BuildError>(())
/// ```
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// The namespace has clients of another principal type.
    #[error("the clients of {namespace} are of another type: they are `{principal}`")]
    Principal {
        /// Namespace whose hub was requested.
        namespace: Arc<str>,
        /// Name of the principal type of the namespace.
        principal: Box<str>,
    },
    /// No gateway is mounted at the namespace.
    #[error("no gateway is mounted at {namespace}: there are {}", mounted.join(", "))]
    Unmounted {
        /// Namespace whose hub was requested.
        namespace: Arc<str>,
        /// Namespaces that have gateways.
        mounted: Box<[Box<str>]>,
    },
}

doorward_core::debug_as_sentence!(HubError);

/// Error that prevents a server from serving.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use doorward::server::{Listeners, ServeError};
///
/// let error = Listeners::bind("localhost:nonsense").await.unwrap_err();
/// assert!(matches!(error, ServeError::Address { .. }));
/// # }
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address is neither `HOST:PORT` nor `unix:PATH`, or the host name does not resolve.
    #[error(
        "{address:?} is not an address to listen on: write HOST:PORT with a host of this machine, such as \
         localhost:3000, or unix:PATH"
    )]
    Address {
        /// Address that was given to the server.
        address: Box<str>,
        /// Error of the resolver.
        source: io::Error,
    },
    /// The operating system does not let the server listen on the address. For example, another
    /// program uses the port, or the address belongs to another machine.
    #[error("cannot listen on {address}{}", remedy(address, source.kind()))]
    Bind {
        /// Address that could not be bound.
        address: Box<str>,
        /// Error of the operating system.
        source: io::Error,
    },
    /// The `on_init` hook of a gateway failed.
    #[error("the on_init hook of a gateway failed")]
    Init(#[source] BoxError),
    /// The listeners expect the PROXY protocol, and the server trusts no proxy. Every connection would
    /// be closed.
    #[error(
        "Listeners::proxy_protocol is set, but no proxy is trusted: add the address of the proxy with \
         Builder::trusted_proxies"
    )]
    NoProxy,
    /// The handlers for SIGINT and SIGTERM cannot be installed.
    #[error("cannot listen to signals")]
    Signals(#[source] io::Error),
    /// The listener is a Unix socket, and the server does not trust its proxy. All clients would share
    /// the limits of one address.
    #[error(
        "the proxy behind the Unix socket is not trusted: add \"127.0.0.1\" with Builder::trusted_proxies"
    )]
    UntrustedProxy,
}

doorward_core::debug_as_sentence!(ServeError);

/// Returns a hint for the operator. It is appended to the message of [`ServeError::Bind`].
fn remedy(address: &str, kind: io::ErrorKind) -> &'static str {
    if address.starts_with("unix:") {
        return match kind {
            io::ErrorKind::AddrInUse => {
                ", where another server listens: end it, or take another path"
            }
            io::ErrorKind::AlreadyExists => {
                ", where another file is: remove it, or take another path"
            }
            io::ErrorKind::NotFound => ": create its directory first",
            io::ErrorKind::PermissionDenied => {
                ": its directory is not writable for the user of the server"
            }
            io::ErrorKind::InvalidInput => ": a path has at most 107 bytes",
            _ => "",
        };
    }
    match kind {
        io::ErrorKind::AddrInUse => ", where another program listens: end it, or take another port",
        io::ErrorKind::AddrNotAvailable => ", which is no address of this machine",
        io::ErrorKind::PermissionDenied => {
            ": take a port from 1024 on, or allow the program to use this one"
        }
        _ => "",
    }
}
