//! A server that was put together.

use std::{
    fmt,
    future::Future,
    io::{IsTerminal as _, Write as _},
    sync::Arc,
};

use crate::{
    error::{HubError, ServeError},
    http::{app::App, listeners::Listeners, server::Server, service::DoorwardService},
    namespace::policy_table::PolicyTable,
    presence::principals::Principals,
    room::hub::Hub,
    runtime::stop::StopSignal,
    server::serve,
};

/// A Socket.IO server: serve it alone, or mount its [`DoorwardService`] into an application.
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
}

impl Doorward {
    pub(crate) fn server(&self) -> &Arc<Server> {
        &self.server
    }

    pub(crate) fn new(server: Server, policy: PolicyTable, principals: Principals) -> Self {
        Self { server: Arc::new(server), policy, principals }
    }

    /// The server as a tower `Service`, to be mounted at its path.
    ///
    /// The init hooks run at the first handshake, which waits for them; if they fail it is refused
    /// with 503, and the next one tries again.
    #[must_use]
    pub fn service(&self) -> DoorwardService {
        DoorwardService::new(Arc::clone(&self.server))
    }

    /// Returns the [`Hub`] of a namespace whose principal is `P`.
    ///
    /// # Errors
    /// - [`HubError::Principal`]: the namespace has another principal.
    /// - [`HubError::Unmounted`]: no gateway is mounted there.
    pub fn hub<P: 'static>(&self, namespace: &str) -> Result<Hub<P>, HubError> {
        let namespaces = &self.server.namespaces;
        let Some((name, found)) = namespaces.get_key_value(namespace) else {
            let mut mounted: Vec<Box<str>> =
                namespaces.keys().map(|name| (&**name).into()).collect();
            mounted.sort();
            let mounted = mounted.into();
            return Err(HubError::Unmounted { namespace: namespace.into(), mounted });
        };
        found.hub().downcast().map(|hub| *hub).map_err(|_other| HubError::Principal {
            namespace: Arc::clone(name),
            principal: found.principal().into(),
        })
    }

    /// Who is connected, and the power to end it.
    #[must_use]
    pub fn principals(&self) -> Principals {
        self.principals.clone()
    }

    /// Says what holds in which namespace: authenticator, guards, events and rooms.
    #[must_use]
    pub fn policy(&self) -> &PolicyTable {
        &self.policy
    }

    /// How many sockets are admitted at this moment.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.server.services.registry.sockets()
    }

    /// How many links are open at this moment, admitted or not.
    #[must_use]
    pub fn links(&self) -> usize {
        self.server.services.registry.links()
    }

    /// Serves on `address` (`HOST:PORT`) until the process is told to stop by SIGINT or SIGTERM.
    ///
    /// Then no new client is taken, every link is told that the server goes and to come back, and
    /// what has not ended within [`Limits::shutdown_grace`](crate::Limits::shutdown_grace) is cut.
    ///
    /// # Errors
    /// [`ServeError`] when the address cannot be listened on or an init hook fails.
    ///
    /// # Cancel safety
    /// Dropping the future stops accepting; links that are open stay until they end.
    pub async fn serve(&self, address: &str) -> Result<(), ServeError> {
        let stop = StopSignal::install().map_err(ServeError::Signals)?;
        let listeners = Listeners::bind(address).await?;
        self.serve_with(listeners, self.service(), stop.received()).await
    }

    /// Serves `app` on sockets that are bound already, until `shutdown` completes.
    ///
    /// A server serves once: after it was stopped it takes no new clients.
    ///
    /// `app` is any tower service that answers requests, and passes those for the path of this server
    /// on to [`Doorward::service`].
    ///
    /// # Errors
    /// [`ServeError::Init`] when an init hook fails; then nobody was served.
    ///
    /// # Cancel safety
    /// As [`Doorward::serve`].
    pub async fn serve_with(
        &self,
        listeners: Listeners,
        app: impl App,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        self.server.ready().await?;
        self.policy().log();
        announce(&listeners);
        serve::serve(Arc::clone(&self.server), listeners, app, shutdown).await;
        Ok(())
    }
}

/// Says where clients find the server: in the log, and on a terminal when the program keeps no log.
fn announce(listeners: &Listeners) {
    for address in listeners.addresses() {
        tracing::info!(%address, "Listening.");
    }
    let mut stderr = std::io::stderr();
    if !tracing::dispatcher::has_been_set() && stderr.is_terminal() {
        let port = listeners.port();
        let open = listeners.addresses().into_iter().find(|address| !address.ip().is_loopback());
        let place = open.map_or_else(|| format!("localhost:{port}"), |address| address.to_string());
        // A terminal that is gone is no reason not to serve.
        drop(writeln!(stderr, "Listening on http://{place}"));
    }
}

impl fmt::Debug for Doorward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doorward")
            .field("namespaces", &self.server.namespaces.keys().collect::<Vec<_>>())
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}
