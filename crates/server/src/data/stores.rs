//! Opens the stores of sessions, tickets, revocations, accounts and audit records.

use std::{path::Path, sync::Arc, time::Duration};

use doorward::{
    audit::{Audit, AuditRecord, BoundedAudit, JsonLinesAudit, TracingAudit},
    server::{Clock, SystemClock},
    session::MemoryStore,
    store::{BoxFuture, RevocationStore, SessionStore, TicketStore},
};
use doorward_apps::Database;
use doorward_core::{AccountStore, Causes};
use doorward_redis::{ConnectError, RedisOptions, RedisStore};
use doorward_sql::{PostgresStore, SqlAudit, SqlStore};

use super::{applications, custody};
use crate::{
    config::{AuditConfig, Config, RedisConfig, StoreConfig},
    terminal::{Failure, OrFail as _},
};

/// Stores of a server.
pub(crate) struct Stores {
    pub(crate) sessions: Arc<dyn SessionStore>,
    pub(crate) tickets: Arc<dyn TicketStore>,
    pub(crate) revocations: Arc<dyn RevocationStore>,
    /// Store of the cluster. `None` if the server is the only node.
    pub(crate) cluster: Option<RedisStore>,
    pub(crate) accounts: Arc<dyn AccountStore>,
    pub(crate) audit: Arc<BoundedAudit<Sink>>,
    /// SQLite file. It is checked for `/readyz`, and closed when the server stops.
    pub(crate) database: SqlStore,
    /// Database of the applications.
    pub(crate) applications: Database,
}

/// Sink of audit records.
pub(crate) enum Sink {
    /// Sink that writes each record immediately.
    AtOnce(Arc<dyn Audit>),
    /// File of JSON lines. It can be reopened, and must be flushed when the server stops.
    File(Arc<JsonLinesAudit>),
    /// Table of the SQLite file, which must be flushed when the server stops.
    Sql(Arc<SqlAudit>),
}

impl Stores {
    /// Opens the configured stores. `was_used` is `true` if a server has used the data directory before. Then a
    /// missing SQLite file means that the revocations in it are lost.
    pub(crate) async fn open(config: &Config, was_used: bool) -> Result<Self, Failure> {
        // If sessions are kept in another store, so are revocations, and a new SQLite file has lost none.
        let keeps_revocations = matches!(config.session.store, StoreConfig::Sqlite);
        let database = sqlite(&config.database, was_used && keeps_revocations).await?;
        let mut cluster = None;
        let (sessions, tickets, revocations) = match &config.session.store {
            StoreConfig::Memory => {
                tracing::warn!("Sessions and revocations are in memory: a restart ends them.");
                // Revocations from before the start are lost, so every credential from before the start is
                // rejected.
                each(MemoryStore::default().refusing_before(SystemClock.wall()))
            }
            StoreConfig::Redis(redis) => {
                let store = redis_store(redis).await?;
                cluster = Some(store.clone());
                each(store)
            }
            StoreConfig::Sqlite => each(database.clone()),
        };
        let audit = match &config.audit {
            AuditConfig::File(path) => Sink::File(Arc::new(json_lines(path)?)),
            AuditConfig::Log => Sink::AtOnce(Arc::new(TracingAudit)),
            AuditConfig::Sql => Sink::Sql(Arc::new(database.audit())),
        };
        let audit = bounded(audit, config.record_first);
        let accounts: Arc<dyn AccountStore> = match &config.postgres {
            Some(url) => {
                let store = PostgresStore::connect(url.expose()).await;
                Arc::new(store.or_fail("cannot use database.url")?)
            }
            None => {
                if cluster.is_some() {
                    tracing::warn!(
                        "Accounts, chat and boards are in SQLite files of this node, and other nodes do not know \
                         them: set DATABASE_URL to a PostgreSQL database."
                    );
                }
                Arc::new(database.clone())
            }
        };
        let applications = applications::open(config).await?;
        Ok(Self {
            sessions,
            tickets,
            revocations,
            cluster,
            accounts,
            audit,
            database,
            applications,
        })
    }

    /// Opens empty stores for a server that never accepts a client. Their files are created in `folder`.
    pub(crate) async fn forgetful(config: &Config, folder: &Path) -> Result<Self, Failure> {
        let (sessions, tickets, revocations) = each(MemoryStore::default());
        let audit = bounded(Sink::AtOnce(Arc::new(TracingAudit)), false);
        let database = sqlite(&folder.join("accounts.db"), false).await?;
        let accounts = Arc::new(database.clone());
        let applications =
            applications::open_file(&folder.join(applications::FILE), &config.applications())
                .await?;
        let cluster = None;
        Ok(Self {
            sessions,
            tickets,
            revocations,
            cluster,
            accounts,
            audit,
            database,
            applications,
        })
    }

    /// Flushes the audit records, and closes the databases. Gives up after [`CLOSED_WITHIN`].
    pub(crate) async fn close(&self) {
        let closing = async {
            // First, write a record with the number of records that were left out.
            drop(self.audit.written());
            self.audit.sink().flush().await;
            self.applications.close().await;
            self.database.close().await;
        };
        tokio::select! {
            () = closing => {}
            () = SystemClock.sleep_until(SystemClock.now() + CLOSED_WITHIN) => {
                tracing::warn!(
                    "What is kept could not be closed in time. What was answered is on the disk; records of \
                     decisions that waited are lost."
                );
            }
        }
    }
}

impl Sink {
    /// Returns the audit file, or `None` if records are not written to a file.
    pub(crate) fn file(&self) -> Option<Arc<JsonLinesAudit>> {
        match self {
            Self::File(audit) => Some(Arc::clone(audit)),
            Self::AtOnce(_) | Self::Sql(_) => None,
        }
    }

    /// Flushes all records. Records that cannot be stored now are written to the log.
    async fn flush(&self) {
        match self {
            Self::AtOnce(_) => {}
            Self::File(audit) => audit.flush().await,
            Self::Sql(audit) => audit.flush().await,
        }
    }

    fn as_audit(&self) -> &dyn Audit {
        match self {
            Self::AtOnce(audit) => audit,
            Self::File(audit) => audit,
            Self::Sql(audit) => audit,
        }
    }
}

impl Audit for Sink {
    fn record(&self, record: &AuditRecord<'_>) {
        self.as_audit().record(record);
    }

    fn written(&self) -> BoxFuture<'_, bool> {
        self.as_audit().written()
    }

    fn has_room(&self) -> bool {
        self.as_audit().has_room()
    }
}

/// Opens the store in Redis. A server that does not answer yet is no failure: no authenticated client is admitted until it does.
async fn redis_store(redis: &RedisConfig) -> Result<RedisStore, Failure> {
    let mut options = RedisOptions::default();
    if let Some(path) = &redis.ca {
        let cannot = format_args!("cannot read redis.ca {}", path.display());
        options = options.ca(&tokio::fs::read(path).await.or_fail(cannot)?);
    }
    let store = options.open(redis.url.expose()).or_fail("cannot use Redis")?;
    match store.try_connect().await {
        Err(error @ (ConnectError::Away { .. } | ConnectError::Closes { .. })) => {
            tracing::error!(cause = %Causes(&error), "No authenticated client is admitted until Redis answers.");
        }
        connected => connected.or_fail("cannot use Redis")?,
    }
    Ok(store)
}

fn bounded(sink: Sink, records_first: bool) -> Arc<BoundedAudit<Sink>> {
    let audit = BoundedAudit::new(sink);
    Arc::new(if records_first { audit.record_first() } else { audit })
}

/// One store in three roles: store of sessions, of tickets and of revocations.
type Uses = (Arc<dyn SessionStore>, Arc<dyn TicketStore>, Arc<dyn RevocationStore>);

fn each<S: SessionStore + TicketStore + RevocationStore>(store: S) -> Uses {
    let store = Arc::new(store);
    (Arc::<S>::clone(&store), Arc::<S>::clone(&store), store)
}

/// Opens the SQLite file. If `was_used` is `true` and the file is new, its revocations are lost, and every
/// credential from before the start is rejected.
async fn sqlite(file: &Path, was_used: bool) -> Result<SqlStore, Failure> {
    let is_lost = was_used && !file.exists();
    custody::check_database(file)?;
    let opened = if was_used {
        SqlStore::open_refusing_before(file, SystemClock.wall()).await
    } else {
        SqlStore::open(file).await
    };
    let opened = opened.or_fail(format_args!("cannot use the database {}", file.display()))?;
    if is_lost {
        tracing::warn!(
            database = %file.display(),
            "The database is new and the data directory is not: what was revoked is forgotten, so what was \
             issued until now is refused."
        );
    }
    Ok(opened)
}

/// Checks that no other user can read or replace the audit file. A symbolic link is rejected.
pub(crate) fn check_audit(path: &Path) -> Result<(), Failure> {
    custody::check_directory(path.parent().unwrap_or_else(|| Path::new("")))?;
    custody::check_file(path)
}

fn json_lines(path: &Path) -> Result<JsonLinesAudit, Failure> {
    check_audit(path)?;
    let opened = JsonLinesAudit::open(path);
    opened.or_fail(format_args!("cannot write audit records to {}", path.display()))
}

/// Timeout for closing the stores. A stuck database must not prevent the server from stopping.
const CLOSED_WITHIN: Duration = Duration::from_secs(5);
