//! The parts of a running server that every handshake needs.

use std::sync::Arc;

use http::HeaderValue;
use tokio::{sync::OnceCell, task::JoinSet};

use crate::{
    cluster::membership,
    error::ServeError,
    http::{
        connection_error::ConnectionErrorListener,
        polling::binding::{Binding, BindingRules},
    },
    link::seam::Namespaces,
    presence::{recheck, services::Services},
    relaying,
    transport::polled::table::Table,
};

/// The parts of a running server.
pub(crate) struct Server {
    pub(crate) services: Arc<Services>,
    pub(crate) namespaces: Arc<Namespaces>,
    /// Path at which clients connect. It begins and ends with a slash.
    pub(crate) path: Box<str>,
    /// `true` if clients may poll.
    pub(crate) is_polling: bool,
    /// Properties that all requests of a client that polls must have in common.
    pub(crate) binding: BindingRules,
    /// Listener of the application for refused requests.
    pub(crate) connection_errors: Option<ConnectionErrorListener>,
    /// Cookie that names this node, for clients that poll.
    pub(crate) node_cookie: Option<HeaderValue>,
    /// Links whose clients poll.
    pub(crate) polled: Arc<Table<Binding>>,
    /// Set when the init hooks have succeeded. Concurrent handshakes wait for one run of the hooks.
    /// After a failure the cell stays empty, and the next handshake runs the hooks again.
    /// The value holds tasks that end with the server.
    ready: OnceCell<JoinSet<()>>,
}

impl Server {
    pub(crate) fn new(
        services: Arc<Services>,
        namespaces: Namespaces,
        path: Box<str>,
        is_polling: bool,
        binding: BindingRules,
    ) -> Self {
        let (namespaces, polled) = (Arc::new(namespaces), Arc::default());
        let ready = OnceCell::new();
        Self {
            services,
            namespaces,
            path,
            is_polling,
            binding,
            connection_errors: None,
            node_cookie: None,
            polled,
            ready,
        }
    }

    /// Runs the init hooks if they have not run yet, and returns `true` if they have succeeded.
    ///
    /// The hooks run in a task of their own. The caller is a request, which is dropped when its
    /// client disconnects. That must not cancel a hook halfway.
    pub(crate) async fn ready_beside(server: &Arc<Self>) -> bool {
        if server.ready.initialized() {
            return true;
        }
        let server = Arc::clone(server);
        let run = tokio::spawn(async move { server.ready().await });
        match run.await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::error!(%error, "No client is admitted until the init hooks succeed.");
                false
            }
            Err(_) => false,
        }
    }

    /// Runs the init hooks of all namespaces, and then joins the cluster and starts the sweep
    /// that re-checks sockets.
    /// Does nothing if an earlier call has succeeded. No handshake is accepted before the first
    /// success.
    ///
    /// # Errors
    /// [`ServeError::Init`] for the first hook that failed.
    pub(crate) async fn ready(&self) -> Result<(), ServeError> {
        let run = || async {
            for namespace in self.namespaces.named() {
                namespace.init().await.map_err(ServeError::Init)?;
            }
            // The bus is connected before clients are admitted, if it answers.
            let tasks = relaying::start(&self.services, &self.namespaces).await;
            membership::start(&self.services).await;
            recheck::start(&self.services);
            Ok(tasks)
        };
        self.ready.get_or_try_init(run).await.map(|_tasks| ())
    }
}
