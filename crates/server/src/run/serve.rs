//! Runs the server.
//!
//! All steps that may fail run before the first client is accepted. A failure before the port is bound leaves no
//! new files behind. The order is: options, configuration, an existing data directory, an existing key, the port,
//! and then a new directory and a new key. The address is printed when the server accepts clients.

use std::{io, path::PathBuf, pin::pin, sync::Arc, time::Duration};

use axum::routing::get;
use doorward::{
    Doorward,
    audit::JsonLinesAudit,
    auth::KeyRing,
    server::{Clock, Listeners, ServeError, ShutdownSignal, SystemClock, Tls},
    session::Sessions,
};
use doorward_core::Causes;
use doorward_identity::Identity;
use futures_util::future::OptionFuture;

use super::{
    announce::Announcement,
    assembly, certificate,
    dependencies::Dependencies,
    descriptors,
    issuers::TrustedIssuers,
    key_watch,
    metrics::MetricsServer,
    reload::{Reloaded, Signals},
    resources::Resources,
};
use crate::{
    admin::{self, Admin, AdminSocket},
    cli::ServeOptions,
    config::{AuditConfig, Config, listener::UNIX_WITHOUT_URL},
    data::{data_dir::DataDir, key_file::KeyFile, shared_keys::SharedKeys, stores::Stores},
    http::{self, Site},
    log::{self, Log},
    terminal::{Failure, OrFail as _, output},
};

/// Runs `doorward serve`.
pub(crate) fn run(options: &ServeOptions) -> Result<(), Failure> {
    let config =
        Config::load_to_serve(&options.place, options.listen.as_ref(), options.apps.as_ref())?;
    let log = log::start()?;
    descriptors::raise();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().or_fail("cannot start")?;
    // Released last, after all other work: another server may be waiting for the directory.
    let mut held = None;
    let served = runtime.block_on(serve(options, &config, &log, &mut held));
    // Do not wait for a call to a stuck disk.
    let last_work = if served == Ok(Stopped::AtOnce) { Duration::ZERO } else { LAST_WORK };
    runtime.shutdown_timeout(last_work);
    if let (Err(_), Some(held)) = (&served, &held) {
        held.take_back();
    }
    drop(held);
    match served? {
        Stopped::InOrder => Ok(()),
        Stopped::AtOnce => {
            Err(Failure::new("stopped at once by a second signal: handlers may not have finished"))
        }
    }
}

/// Way in which a server has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stopped {
    InOrder,
    /// An operator has sent a second signal.
    AtOnce,
}

async fn serve(
    options: &ServeOptions,
    config: &Config,
    log: &Log,
    held: &mut Option<DataDir>,
) -> Result<Stopped, Failure> {
    let stop = ShutdownSignal::install().or_fail("cannot listen to signals")?;
    let at_once = ShutdownSignal::install().or_fail("cannot listen to signals")?;
    let signals = Signals::install().or_fail("cannot listen to signals")?;
    let mut stop = pin!(stop.received());
    let prepared = tokio::select! {
        prepared = prepare(config, held) => prepared?,
        // A stop signal may arrive while the server waits for the data directory or for a slow database.
        () = &mut stop => return Ok(Stopped::InOrder),
    };
    let Prepared { listeners, tls, keys, key_file, shared_keys, stores, metrics } = prepared;
    let dependencies = Dependencies::of(&stores);

    let addresses = listeners.addresses();
    let local_url = listeners.port().map(|port| config.local_url(port));
    let public_url = config.public_url.clone().or_else(|| local_url.clone());
    let public_url = public_url.ok_or_else(|| Failure::new(UNIX_WITHOUT_URL))?;
    let sessions = Arc::new(assembly::sessions(config, &stores));
    let resources =
        Resources { keys: &keys, sessions: &sessions, stores: &stores, public_url: &public_url };
    let identity = assembly::identity(config, resources).await?;
    let issuers = Arc::new(TrustedIssuers::new(config, &keys, &sessions)?);
    let doorward = Arc::new(assembly::build(config, resources, &issuers, &identity)?);
    // Bound last: a command that finds the socket expects an answer.
    let admin = AdminSocket::bind(&config.data_dir)?;
    let (readiness, serving) = (Arc::clone(&dependencies), Arc::clone(&doorward));
    let app = http::router(Site {
        doorward: &doorward,
        identity: &identity,
        keys: &keys,
        public_url: &public_url,
        addresses: &addresses,
        config,
        readiness: get(async move || readiness.report(serving.is_stopping(), &serving.outages())),
    });

    let announcement = Announcement {
        addresses: &addresses,
        listen: &config.listener.address,
        local_url: local_url.as_ref(),
        public_url: &public_url,
        is_configured: config.public_url.is_some(),
        place: &options.place,
    };
    let operators = operators(config, resources, &doorward, &identity, &issuers, &dependencies);
    let beside = async {
        tokio::join!(
            admin.serve(admin::router(operators)),
            OptionFuture::from(metrics.map(MetricsServer::serve)),
            sweep(&sessions),
            key_watch::watch(&key_file, &keys, shared_keys.as_ref()),
            Arc::clone(&issuers).prepare(),
            signals.watch(Reloaded {
                options,
                audit: audit_file(config, &stores),
                key_file: &key_file,
                keys: &keys,
                issuers: &issuers,
                tls: tls.as_ref(),
            }),
            OptionFuture::from(tls.as_ref().map(certificate::watch)),
            dependencies.watch(),
            log.watch(),
        )
    };
    announce(&announcement);
    // `beside` never completes; it is dropped, with the admin socket, when the server has stopped.
    let served = async {
        let served = tokio::select! {
            served = doorward.serve_with(listeners, app, stop) => served,
            _ = beside => Ok(()),
        };
        stores.close().await;
        served
    };
    tokio::select! {
        served = served => served.or_fail("cannot serve").map(|()| Stopped::InOrder),
        () = at_once.received_again() => Ok(Stopped::AtOnce),
    }
}

/// Returns what the commands of operators use.
fn operators(
    config: &Config,
    resources: Resources<'_>,
    doorward: &Arc<Doorward>,
    identity: &Identity,
    issuers: &TrustedIssuers,
    dependencies: &Arc<Dependencies>,
) -> Admin {
    let (asked, serving) = (Arc::clone(dependencies), Arc::clone(doorward));
    Admin {
        server: Arc::new(admin::server::Server::of(config)),
        principals: doorward.principals(),
        accounts: identity.accounts(doorward.principals()),
        store: Arc::clone(&resources.stores.accounts),
        sessions: Arc::clone(resources.sessions),
        issuers: issuers.authenticator(),
        away: Arc::new(move || asked.away(&serving.outages())),
    }
}

/// Prints the address of the server, after a hint if clients could not use it.
fn announce(announcement: &Announcement<'_>) {
    if let Some(hint) = announcement.hint() {
        output::complain(&hint);
    }
    if let Err(error) = output::say(&announcement.to_string()) {
        // Some supervisors close standard output. Clients can still connect.
        let public_url = announcement.public_url;
        tracing::warn!(%public_url, %error, "The address could not be printed.");
    }
}

/// Returns the audit file and its path, or `None` if records are not written to a file.
fn audit_file(config: &Config, stores: &Stores) -> Option<(Arc<JsonLinesAudit>, PathBuf)> {
    let AuditConfig::File(path) = &config.audit else { return None };
    Some((stores.audit.sink().file()?, path.clone()))
}

/// Resources that were acquired before the server is built.
struct Prepared {
    listeners: Listeners,
    tls: Option<Tls>,
    keys: Arc<KeyRing>,
    key_file: KeyFile,
    /// Keys that the nodes of the cluster share. `None` if the server is the only node.
    shared_keys: Option<SharedKeys>,
    stores: Stores,
    metrics: Option<MetricsServer>,
}

/// Locks the data directory, binds the address, and opens the keys and stores. `held` receives the lock, which the
/// caller releases last. A new data directory is created only after the server has bound its address.
async fn prepare(config: &Config, held: &mut Option<DataDir>) -> Result<Prepared, Failure> {
    *held = DataDir::take_existing(&config.data_dir).await?;
    let key_file = KeyFile::of(&config.data_dir);
    let existing = key_file.read()?;
    let tls = OptionFuture::from(config.listener.tls.clone().map(certificate::read));
    let tls = tls.await.transpose()?;
    let listeners = listen(config, tls.as_ref()).await?;
    if held.is_none() {
        *held = Some(DataDir::take(&config.data_dir).await?);
    }
    let was_used = held.as_ref().is_some_and(|held| held.was_used);
    // A server that is alone fails without a key before it creates a database.
    let existing = match existing {
        None if config.redis().is_none() => Some(key_file.read_or_create(config.profile)?),
        existing => existing,
    };
    let stores = Stores::open(config, was_used).await?;
    let shared_keys = stores
        .cluster
        .clone()
        .zip(config.redis())
        .map(|(store, redis)| SharedKeys::new(store, key_file.clone(), redis.key_store));
    let keys = Arc::new(match (&shared_keys, existing) {
        (Some(shared), own) => shared.agree(own, config.profile).await?,
        (None, Some(keys)) => keys,
        (None, None) => key_file.read_or_create(config.profile)?,
    });
    // Components that are built earlier are not counted.
    let metrics = OptionFuture::from(config.metrics.as_ref().map(MetricsServer::start));
    let metrics = metrics.await.transpose()?;
    Ok(Prepared { listeners, tls, keys, key_file, shared_keys, stores, metrics })
}

/// Binds the address of the server.
async fn listen(config: &Config, tls: Option<&Tls>) -> Result<Listeners, Failure> {
    let bound = Listeners::bind(&config.listener.address.to_string()).await;
    let mut listeners = bound.map_err(|error| cannot_listen(&error))?;
    if let Some(tls) = tls {
        listeners = listeners.tls(tls.clone());
    }
    if config.listener.proxy_protocol {
        listeners = listeners.proxy_protocol();
    }
    Ok(listeners)
}

/// Deletes expired sessions periodically.
async fn sweep(sessions: &Sessions) {
    loop {
        SystemClock.sleep_until(SystemClock.now() + BETWEEN_SWEEPS).await;
        match sessions.sweep().await {
            Ok(0) => {}
            Ok(forgotten) => tracing::debug!(forgotten, "Expired sessions were deleted."),
            Err(error) => tracing::warn!(%error, "Expired sessions could not be deleted."),
        }
    }
}

fn cannot_listen(error: &ServeError) -> Failure {
    let is_taken = matches!(error, ServeError::Bind { address, source }
        if source.kind() == io::ErrorKind::AddrInUse && !address.starts_with("unix:"));
    let option = if is_taken { "; use another address with --listen HOST:PORT" } else { "" };
    Failure::new(format_args!("{}{option}", Causes(error)))
}

/// Interval between deletions of expired sessions. Expired sessions use little space and are never accepted, so
/// there is no hurry.
const BETWEEN_SWEEPS: Duration = Duration::from_secs(60);

/// Time for blocking work to finish after the clients have been disconnected.
const LAST_WORK: Duration = Duration::from_secs(1);
