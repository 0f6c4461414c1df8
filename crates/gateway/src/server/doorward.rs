//! A built server, which serves alone or is mounted into an application.

use std::{
    any::Any,
    fmt,
    future::Future,
    io::{IsTerminal as _, Write as _},
    net::Ipv4Addr,
    sync::Arc,
};

#[cfg(feature = "axum")]
use crate::{
    admission::vetting::AnyAuthenticator, error::authentication::AuthenticationError,
    routes::authentication::Authentication,
};
use crate::{
    error::{HubError, ServeError},
    http::{app::HttpService, listeners::Listeners, server::Server, service::DoorwardService},
    link::seam::Found,
    namespace::policy_table::PolicyTable,
    presence::principals::Principals,
    room::hub::Hub,
    runtime::{outage_log::CurrentOutage, shutdown_signal::ShutdownSignal},
    server::serve,
};

/// A Socket.IO server. Serve it alone, or mount its [`DoorwardService`] into an HTTP application.
///
/// # Examples
/// ```no_run
/// # #[tokio::main] async fn main() -> doorward::Result {
/// use doorward::prelude::*;
///
/// Doorward::builder()
///     .authenticate(Jwt::hs256("a secret of at least 32 bytes ...")?)
///     .gateway(Gateway::at("/").on("echo", |Payload(text): Payload<String>| async move { text }))
///     .build()?
///     .serve("localhost:3000")
///     .await?;
/// # Ok(()) }
/// ```
pub struct Doorward {
    server: Arc<Server>,
    policy: PolicyTable,
    principals: Principals,
    #[cfg_attr(not(feature = "axum"), expect(dead_code, reason = "for the routes of axum"))]
    authenticator: Option<PrivateAuthenticator>,
}

/// Authenticator of the private namespaces of a server, without the type of its principal.
#[cfg_attr(not(feature = "axum"), expect(dead_code, reason = "for the routes of axum"))]
pub(crate) struct PrivateAuthenticator {
    /// An `Arc<dyn AnyAuthenticator<P>>`.
    pub(crate) authenticator: Box<dyn Any + Send + Sync>,
    /// Name of the type `P`.
    pub(crate) principal: Box<str>,
}

impl Doorward {
    pub(crate) fn server(&self) -> &Arc<Server> {
        &self.server
    }

    pub(crate) fn new(
        server: Server,
        policy: PolicyTable,
        principals: Principals,
        authenticator: Option<PrivateAuthenticator>,
    ) -> Self {
        Self { server: Arc::new(server), policy, principals, authenticator }
    }

    /// Returns the server as a tower `Service`. Mount it at the path of the server.
    ///
    /// The init hooks run at the first handshake, which waits for them. If a hook fails, the
    /// handshake is answered with 503, and the next handshake runs the hooks again.
    #[must_use]
    pub fn service(&self) -> DoorwardService {
        DoorwardService { server: Arc::clone(&self.server) }
    }

    /// Returns the [`Hub`] of a namespace whose principal is `P`.
    ///
    /// The hub of a namespace that a pattern opens, such as `/org/7`, is the same for all callers while
    /// a socket of the namespace or a clone of the hub exists.
    ///
    /// # Errors
    /// - [`HubError::Principal`]: the namespace has another principal type.
    /// - [`HubError::Unmounted`]: no gateway is mounted at the namespace.
    pub fn hub<P: 'static>(&self, namespace: &str) -> Result<Hub<P>, HubError> {
        let namespaces = &self.server.namespaces;
        let Some(Found { name, namespace: found }) = namespaces.find(namespace) else {
            let mut mounted: Vec<Box<str>> =
                namespaces.names().map(|name| (&**name).into()).collect();
            mounted.sort();
            let mounted = mounted.into();
            return Err(HubError::Unmounted { namespace: namespace.into(), mounted });
        };
        found.hub().downcast().map(|hub| *hub).map_err(|_other| HubError::Principal {
            namespace: name,
            principal: found.principal().into(),
        })
    }

    /// Returns the authenticator of the private namespaces, for the routes of an axum application. It
    /// is the state that [`Authenticated`](crate::routes::Authenticated) needs.
    ///
    /// # Errors
    /// - [`AuthenticationError::NoAuthenticator`]: the server has only public namespaces.
    /// - [`AuthenticationError::Principal`]: the principal of the server is of another type.
    #[cfg(feature = "axum")]
    pub fn authentication<P: Send + Sync + 'static>(
        &self,
    ) -> Result<Authentication<P>, AuthenticationError> {
        let found = self.authenticator.as_ref().ok_or(AuthenticationError::NoAuthenticator)?;
        let authenticator = found.authenticator.downcast_ref::<Arc<dyn AnyAuthenticator<P>>>();
        let wrong = || AuthenticationError::Principal { principal: found.principal.clone() };
        let authenticator = Arc::clone(authenticator.ok_or_else(wrong)?);
        Ok(Authentication::new(Arc::clone(&self.server), authenticator))
    }

    /// Returns the handle to list connected sockets of all namespaces, and to revoke their access.
    #[must_use]
    pub fn principals(&self) -> Principals {
        self.principals.clone()
    }

    /// Returns the table of all namespaces, with their authenticators, guards, events and rooms.
    #[must_use]
    pub fn policy(&self) -> &PolicyTable {
        &self.policy
    }

    /// Returns the current number of sockets. A socket counts once its client is authenticated, the
    /// guards have allowed it and a seat is reserved for it. The connect hooks run after that.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.server.services.registry.sockets()
    }

    /// Returns the current number of open links (Engine.IO connections), with or without an
    /// admitted socket.
    #[must_use]
    pub fn links(&self) -> usize {
        self.server.services.registry.links()
    }

    /// Returns `true` once the server shuts down. A probe for readiness should report this, so that a
    /// load balancer sends clients elsewhere.
    ///
    /// # Examples
    /// ```
    /// use doorward::prelude::*;
    ///
    /// let doorward = Doorward::builder().public(Gateway::at("/")).build()?;
    ///
    /// assert!(!doorward.is_stopping());
    /// # Ok::<_, doorward::server::BuildError>(())
    /// ```
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.server.services.is_draining()
    }

    /// Returns the current outages of stores, the cluster and the bus, as the log and the metric `doorward_away` report
    /// them.
    ///
    /// A probe for readiness may report them. While a node of a cluster does not reach the bus or the cluster, its
    /// answers about the other nodes are incomplete.
    ///
    /// # Examples
    /// ```
    /// use doorward::prelude::*;
    ///
    /// let doorward = Doorward::builder().public(Gateway::at("/")).build()?;
    ///
    /// assert!(doorward.outages().is_empty());
    /// # Ok::<_, doorward::server::BuildError>(())
    /// ```
    #[must_use]
    pub fn outages(&self) -> Vec<CurrentOutage> {
        self.server.services.outages()
    }

    /// Serves on `address` until SIGINT or SIGTERM, then shuts down. The address is `HOST:PORT` or
    /// `unix:PATH`, as for [`Listeners::bind`].
    ///
    /// At shutdown, the server answers new handshakes with 503 and `Retry-After`, and ends every link
    /// in such a way that clients reconnect later. Many links are ended over a time: half of
    /// [`Limits::shutdown_grace`](crate::Limits::shutdown_grace), at most 5 s. Then it closes its
    /// listeners. For at most the whole grace period, the future waits for the connections to end and
    /// for running handlers and disconnect hooks to finish. Then it waits for the audit to store its
    /// records, for at most 2 s. A second signal makes it return at once.
    ///
    /// # Errors
    /// [`ServeError`] if the server cannot listen on the address, signals cannot be handled, or an
    /// init hook failed.
    ///
    /// # Cancel safety
    /// If the future is dropped, no more connections are accepted. Open links remain until they
    /// end.
    pub async fn serve(&self, address: &str) -> Result<(), ServeError> {
        let stop = ShutdownSignal::install().map_err(ServeError::Signals)?;
        let at_once = ShutdownSignal::install().map_err(ServeError::Signals)?;
        let listeners = Listeners::bind(address).await?;
        tokio::select! {
            served = self.serve_with(listeners, self.service(), stop.received()) => served,
            () = at_once.received_again() => Ok(()),
        }
    }

    /// Serves `app` on bound listeners until `shutdown` completes, then shuts down as
    /// [`serve`](Self::serve) does.
    ///
    /// A server can serve only once. After a shutdown it admits no more clients.
    ///
    /// `app` is any tower service that answers requests. It must pass requests for the path of this
    /// server on to [`Doorward::service`].
    ///
    /// # Errors
    /// No connection was accepted.
    /// - [`ServeError::Init`]: an init hook failed.
    /// - [`ServeError::NoProxy`], [`ServeError::UntrustedProxy`]: the listeners need a proxy that is not
    ///   trusted.
    ///
    /// # Cancel safety
    /// Same as [`Doorward::serve`].
    pub async fn serve_with(
        &self,
        listeners: Listeners,
        app: impl HttpService,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        let proxies = &self.server.services.proxies;
        if listeners.setup.proxy_protocol && proxies.is_empty() {
            return Err(ServeError::NoProxy);
        }
        if listeners.path().is_some() && !proxies.trusts(Ipv4Addr::LOCALHOST.into()) {
            return Err(ServeError::UntrustedProxy);
        }
        self.server.ready().await?;
        self.policy().log();
        announce(&listeners);
        serve::serve(Arc::clone(&self.server), listeners, app, shutdown).await;
        Ok(())
    }
}

/// Writes the addresses of the server to the log. If the program has no log, writes one address to
/// the terminal.
fn announce(listeners: &Listeners) {
    for address in listeners.addresses() {
        tracing::info!(%address, "Listening.");
    }
    if let Some(path) = listeners.path() {
        tracing::info!(path = %path.display(), "Listening.");
    }
    let mut stderr = std::io::stderr();
    if !tracing::dispatcher::has_been_set() && stderr.is_terminal() {
        // The server must start even if the terminal is closed.
        drop(writeln!(stderr, "Listening on {}", place(listeners)));
    }
}

/// Returns the URL of the server, or the path of its Unix socket.
fn place(listeners: &Listeners) -> String {
    if let Some(path) = listeners.path() {
        return path.display().to_string();
    }
    let scheme = if listeners.setup.tls.is_some() { "https" } else { "http" };
    let addresses = listeners.addresses();
    match (addresses.iter().find(|address| !address.ip().is_loopback()), listeners.port()) {
        (Some(address), _) => format!("{scheme}://{address}"),
        (None, port) => format!("{scheme}://localhost:{}", port.unwrap_or_default()),
    }
}

impl fmt::Debug for Doorward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doorward")
            .field("namespaces", &self.server.namespaces.names().collect::<Vec<_>>())
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}
