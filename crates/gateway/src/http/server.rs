//! The parts of a running server that every request needs.

use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::{
    error::ServeError,
    link::seam::Namespaces,
    presence::{services::Services, sweep},
};

/// What a running server is made of.
pub(crate) struct Server {
    pub(crate) services: Arc<Services>,
    pub(crate) namespaces: Arc<Namespaces>,
    pub(crate) path: Box<str>,
    ready: OnceCell<()>,
}

impl Server {
    pub(crate) fn new(services: Arc<Services>, namespaces: Namespaces, path: Box<str>) -> Self {
        Self { services, namespaces: Arc::new(namespaces), path, ready: OnceCell::new() }
    }

    /// Runs the init hooks beside a request that may be given up, and says whether they succeeded.
    pub(crate) async fn ready_beside(server: &Arc<Self>) -> bool {
        if server.ready.initialized() {
            return true;
        }
        let server = Arc::clone(server);
        let run = tokio::spawn(async move { server.ready().await });
        match run.await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::error!(%error, "Nobody can be let in.");
                false
            }
            Err(_) => false,
        }
    }

    /// Runs the init hooks once; nobody is looked at before they are done.
    pub(crate) async fn ready(&self) -> Result<(), ServeError> {
        let run = || async {
            for namespace in self.namespaces.values() {
                namespace.init().await.map_err(ServeError::Init)?;
            }
            sweep::start(&self.services);
            Ok(())
        };
        self.ready.get_or_try_init(run).await.copied()
    }
}
