//! Opens what outlives a connection: sessions, tickets, revocations, records of decisions.

use std::{path::Path, sync::Arc};

use doorward::{
    Audit, Clock, Epochs, JsonLinesAudit, SessionStore, SystemClock, TracingAudit,
    auth::MemoryStore,
};
use doorward_redis::RedisStore;
use doorward_sql::{SqlAudit, SqlStore};

use crate::{
    config::{AuditConfig, Config, StoreConfig},
    failure::Failure,
};

/// What a server keeps.
pub(crate) struct Stores {
    pub(crate) sessions: Arc<dyn SessionStore>,
    pub(crate) epochs: Arc<dyn Epochs>,
    pub(crate) audit: Sink,
    /// The database, to be closed in order.
    database: Option<SqlStore>,
}

/// Where records of decisions go.
pub(crate) enum Sink {
    /// It has written what it was given.
    AtOnce(Arc<dyn Audit>),
    /// It wants to be asked to finish.
    Sql(Arc<SqlAudit>),
}

impl Stores {
    /// Opens what the configuration names.
    pub(crate) async fn open(config: &Config) -> Result<Self, Failure> {
        let mut database = None;
        let (sessions, epochs) = match &config.session.store {
            StoreConfig::Memory => {
                tracing::warn!("Sessions and revocations are in memory: a restart ends them.");
                // What was revoked before is forgotten, so everything from before is refused.
                both(MemoryStore::default().refusing_before(SystemClock.wall()))
            }
            StoreConfig::Redis(url) => both(
                RedisStore::connect(url.expose())
                    .await
                    .map_err(|error| Failure::because("cannot use Redis", &error))?,
            ),
            StoreConfig::Sqlite(file) => both(database.insert(sqlite(file).await?).clone()),
        };
        let audit = match &config.audit {
            AuditConfig::File(path) => Sink::AtOnce(Arc::new(json_lines(path)?)),
            AuditConfig::Log => Sink::AtOnce(Arc::new(TracingAudit)),
            AuditConfig::Sql(file) => {
                let database = match &mut database {
                    Some(database) => database,
                    none => none.insert(sqlite(file).await?),
                };
                Sink::Sql(Arc::new(database.audit()))
            }
        };
        Ok(Self { sessions, epochs, audit, database })
    }
}

impl Stores {
    /// Stores that nobody will ever use.
    pub(crate) fn forgetful() -> Self {
        let (sessions, epochs) = both(MemoryStore::default());
        let audit = Sink::AtOnce(Arc::new(TracingAudit));
        Self { sessions, epochs, audit, database: None }
    }

    /// Waits until everything is written, and closes what is open.
    pub(crate) async fn close(&self) {
        if let Sink::Sql(audit) = &self.audit {
            audit.flush().await;
        }
        if let Some(database) = &self.database {
            database.close().await;
        }
    }
}

impl Sink {
    /// The sink, for the server.
    pub(crate) fn shared(&self) -> Arc<dyn Audit> {
        match self {
            Self::AtOnce(audit) => Arc::clone(audit),
            Self::Sql(audit) => Arc::<SqlAudit>::clone(audit),
        }
    }
}

fn both<S: SessionStore + Epochs>(store: S) -> (Arc<dyn SessionStore>, Arc<dyn Epochs>) {
    let store = Arc::new(store);
    (Arc::<S>::clone(&store), store)
}

async fn sqlite(file: &Path) -> Result<SqlStore, Failure> {
    SqlStore::open(file).await.map_err(|error| {
        Failure::because(format_args!("cannot use the database {}", file.display()), &error)
    })
}

fn json_lines(path: &Path) -> Result<JsonLinesAudit, Failure> {
    JsonLinesAudit::open(path).map_err(|error| {
        let path = path.display();
        Failure::because(format_args!("cannot write audit records to {path}"), &error)
    })
}
