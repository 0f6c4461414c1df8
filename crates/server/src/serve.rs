//! Runs the server.
//!
//! Everything that can fail is tried before the first client can be seen, in an order in which a
//! failure leaves nothing behind: options, configuration, the data directory if it is there, an existing key, the
//! port, and only then a new directory and a new key. The address is printed when clients may come.

use std::{io, path::PathBuf, pin::pin, sync::Arc, time::Duration};

use doorward::{
    BoundedAudit, Clock, Doorward, Entropy as _, JsonLinesAudit, Limits, Listeners, OsEntropy,
    ServeError, StopSignal, SystemClock,
    auth::{Issuer, KeyRing, Sessions},
};
use doorward_apps::Services;
use doorward_core::Causes;
use doorward_identity::Identity;

use crate::{
    admin::{self, Admin, AdminSocket},
    announce::Announcement,
    cli::ServeOptions,
    config::{AuditConfig, Config, SameSite},
    data_dir::DataDir,
    demo,
    dependencies::Dependencies,
    descriptors,
    directory::AccountDirectory,
    failure::Failure,
    http,
    key_file::KeyFile,
    known,
    log::{self, Log},
    metrics::MetricsServer,
    output,
    public_url::PublicUrl,
    signals::Signals,
    stores::{Sink, Stores},
};

/// Runs `doorward serve`.
pub(crate) fn run(options: &ServeOptions) -> Result<(), Failure> {
    let mut config = Config::load(&options.place, options.listen.as_ref())?;
    if let Some(apps) = &options.apps {
        config.apps = apps.get().to_vec();
    }
    let log = log::start()?;
    descriptors::raise();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::because("cannot start", &error))?;
    // Given back last, after the last work: another server may be waiting for it.
    let mut held = None;
    let served = runtime.block_on(serve(options, &config, &log, &mut held));
    // A call to a disk that stands still is not waited for.
    runtime.shutdown_timeout(LAST_WORK);
    drop(held);
    served
}

async fn serve(
    options: &ServeOptions,
    config: &Config,
    log: &Log,
    held: &mut Option<DataDir>,
) -> Result<(), Failure> {
    let cannot = |error: io::Error| Failure::because("cannot listen to signals", &error);
    let stop = StopSignal::install().map_err(cannot)?;
    let signals = Signals::install().map_err(cannot)?;
    let mut stop = pin!(stop.received());
    let prepared = tokio::select! {
        prepared = prepare(config, held) => prepared?,
        // Another server has the data directory, or a database is slow to answer.
        () = &mut stop => return Ok(()),
    };
    let Prepared { listeners, keys, key_file, stores, metrics } = prepared;
    let dependencies = Dependencies::of(&stores);

    let addresses = listeners.addresses();
    let public_url = match &config.public_url {
        Some(public_url) => public_url.clone(),
        None => PublicUrl::localhost(listeners.port()),
    };
    let sessions = Arc::new(sessions(config, &stores));
    let parts =
        Parts { keys: &keys, sessions: &sessions, stores: &stores, public_url: &public_url };
    let identity = identity(config, parts).await?;
    let doorward = build(config, parts, &identity)?;
    let admin = AdminSocket::bind(&config.data_dir)?;
    let app = http::router(&doorward, &identity, parts, &addresses, config, &dependencies);

    let announcement = Announcement {
        addresses: &addresses,
        public_url: &public_url,
        is_configured: config.public_url.is_some(),
        place: &options.place,
    };
    if let Some(hint) = announcement.hint() {
        output::complain(&hint);
    }
    let principals = doorward.principals();
    let accounts = identity.accounts(principals.clone());
    let beside = async {
        tokio::join!(
            admin.serve(admin::router(Admin {
                principals,
                accounts,
                store: Arc::clone(&stores.accounts),
                sessions: Arc::clone(&sessions)
            })),
            async {
                if let Some(metrics) = metrics {
                    metrics.serve().await;
                }
            },
            sweep(&sessions),
            watch_keys(&key_file, &keys),
            signals.watch(audit_file(config, &stores), &key_file, &keys),
            dependencies.watch(),
            log.watch(),
        )
    };
    if let Err(error) = output::say(&announcement.to_string()) {
        // Nobody reads it, as under some supervisors; clients find the server all the same.
        tracing::warn!(%public_url, %error, "The address could not be printed.");
    }
    let served = tokio::select! {
        served = doorward.serve_with(listeners, app, stop) => served,
        _ = beside => Ok(()),
    };
    stores.close().await;
    served.map_err(|error| Failure::because("cannot serve", &error))
}

/// The audit file, when records go to one, and its name.
fn audit_file(config: &Config, stores: &Stores) -> Option<(Arc<JsonLinesAudit>, PathBuf)> {
    let AuditConfig::File(path) = &config.audit else { return None };
    Some((stores.audit.sink().file()?, path.clone()))
}

/// What was taken before the server was put together.
struct Prepared {
    listeners: Listeners,
    keys: Arc<KeyRing>,
    key_file: KeyFile,
    stores: Stores,
    metrics: Option<MetricsServer>,
}

/// Takes what can be taken only once. A directory is made after everything else that can fail for want of an
/// address.
async fn prepare(config: &Config, held: &mut Option<DataDir>) -> Result<Prepared, Failure> {
    *held = DataDir::take_existing(&config.data_dir).await?;
    let key_file = KeyFile::of(&config.data_dir);
    let existing = key_file.read()?;
    let listeners =
        Listeners::bind(config.listen.as_str()).await.map_err(|error| cannot_listen(&error))?;
    if held.is_none() {
        *held = Some(DataDir::take(&config.data_dir).await?);
    }
    let was_used = held.as_ref().is_some_and(DataDir::was_used);
    let keys = Arc::new(match existing {
        Some(keys) => keys,
        None => key_file.read_or_create(config.profile)?,
    });
    let stores = Stores::open(config, was_used).await?;
    // What is built before it is not counted.
    let metrics = match &config.metrics {
        Some(listen) => Some(MetricsServer::start(listen).await?),
        None => None,
    };
    Ok(Prepared { listeners, keys, key_file, stores, metrics })
}

/// Sessions as they are configured.
pub(crate) fn sessions(config: &Config, stores: &Stores) -> Sessions {
    let (store, epochs) = (Arc::clone(&stores.sessions), Arc::clone(&stores.epochs));
    Sessions::new(store, epochs, Arc::new(SystemClock), Arc::new(OsEntropy))
        .idle_timeout(config.session.idle_timeout.get())
        .lifetime(config.session.lifetime.get())
}

/// What the server is put together from.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) keys: &'a Arc<KeyRing>,
    pub(crate) sessions: &'a Arc<Sessions>,
    pub(crate) stores: &'a Stores,
    pub(crate) public_url: &'a PublicUrl,
}

/// Puts the sign-in together.
pub(crate) async fn identity(config: &Config, parts: Parts<'_>) -> Result<Identity, Failure> {
    let Parts { keys, sessions, stores, public_url } = parts;
    let mut drawn = [0; 32];
    OsEntropy.fill(&mut drawn);
    let secret = stores.accounts.decoy_secret(&drawn).await;
    let secret = secret.map_err(|error| Failure::because("cannot use the database", &error))?;
    let (sessions, tickets) = (Arc::clone(sessions), Arc::clone(&stores.tickets));
    let accounts = Arc::clone(&stores.accounts);
    let (issuer, audience) = (config.token.issuer.as_str(), config.token.audience.as_str());
    let applications = stores.applications.clone();
    let mut builder = Identity::builder(&public_url.origin(), accounts, sessions, tickets)
        .name(config.passkeys.name.as_str())
        .decoy_secret(secret)
        .issuer(Issuer::with_ring(Arc::clone(keys), issuer, audience))
        .expose_token(config.session.expose_token)
        .fresh_for(config.session.fresh_for.get())
        .on_account_removed(move |user| {
            let applications = applications.clone();
            async move { Ok(applications.forget(&user).await?) }
        })
        .audit(Arc::<BoundedAudit<Sink>>::clone(&stores.audit));
    for origin in &config.origins {
        builder = builder.allow_origin(&origin.to_string());
    }
    if let Some(rp_id) = &config.passkeys.rp_id {
        builder = builder.rp_id(rp_id.as_str());
    }
    if config.session.same_site == SameSite::Strict {
        builder = builder.same_site_strict();
    }
    builder.build().map_err(|error| {
        Failure::because(format_args!("nobody could sign in at public_url {public_url}"), &error)
    })
}

/// Puts the server together.
pub(crate) fn build(
    config: &Config,
    parts: Parts<'_>,
    identity: &Identity,
) -> Result<Doorward, Failure> {
    let mut builder = Doorward::builder()
        .authenticate(known::authenticator(config, parts, identity))
        .connections(config.connections)
        .epochs(Arc::clone(&parts.stores.epochs))
        .audit(Arc::clone(&parts.stores.audit))
        .limits(limits(config))
        .trusted_proxies(config.trusted_proxies.texts())
        .pages(config.origins.iter().map(ToString::to_string))
        .gateway(demo::gateway());
    let Stores { applications, accounts, .. } = parts.stores;
    if let Some(file) = applications.file() {
        let services = Services {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            database: file.clone(),
            directory: Arc::new(AccountDirectory(Arc::clone(accounts))),
            round: config.mole.round.get(),
        };
        for application in config.applications() {
            builder = builder.gateway(application.gateway(&services));
        }
    }
    builder
        .public(identity.gateway())
        .build()
        .map_err(|error| Failure::because("the server cannot be built", &error))
}

/// The bounds of the framework, with no more connections than descriptors are there for.
fn limits(config: &Config) -> Limits {
    let limits = config.limits.clone();
    let connections = descriptors::limit().map_or(usize::MAX, descriptors::for_connections);
    Limits { max_connections: limits.max_connections.min(connections), ..limits }
}

/// Takes keys over that `doorward keys rotate` has written, so that nobody need restart the server.
async fn watch_keys(key_file: &KeyFile, keys: &KeyRing) {
    loop {
        SystemClock.sleep_until(SystemClock.now() + BETWEEN_LOOKS).await;
        take_over(key_file, keys).await;
    }
}

/// Reads the keys again. A disk that stands still holds up nothing else.
pub(crate) async fn take_over(key_file: &KeyFile, keys: &KeyRing) {
    let file = key_file.clone();
    match tokio::task::spawn_blocking(move || file.read()).await {
        Ok(Ok(Some(new))) => keys.replace(&new),
        Ok(Ok(None)) => tracing::warn!("The signing keys are gone; those in memory go on."),
        Ok(Err(failure)) => tracing::warn!(%failure, "The signing keys cannot be read again."),
        Err(error) => tracing::warn!(%error, "The signing keys cannot be read again."),
    }
}

/// Forgets what is over, again and again.
async fn sweep(sessions: &Sessions) {
    loop {
        SystemClock.sleep_until(SystemClock.now() + BETWEEN_SWEEPS).await;
        match sessions.sweep().await {
            Ok(0) => {}
            Ok(forgotten) => tracing::debug!(forgotten, "Sessions were forgotten."),
            Err(error) => tracing::warn!(%error, "Old sessions could not be forgotten."),
        }
    }
}

fn cannot_listen(error: &ServeError) -> Failure {
    let is_taken = matches!(error, ServeError::Bind { source, .. } if source.kind() == io::ErrorKind::AddrInUse);
    let option = if is_taken { "; --listen HOST:PORT takes another address" } else { "" };
    Failure::new(format_args!("{}{option}", Causes(error)))
}

/// Old sessions take a little room and open nothing, so there is no hurry.
const BETWEEN_SWEEPS: Duration = Duration::from_secs(60);

/// How long work that blocks a thread may go on after the last word to clients.
const LAST_WORK: Duration = Duration::from_secs(1);

/// How long a new key may be unknown to a running server.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);
