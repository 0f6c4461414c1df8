//! Decides which source of a setting wins: options override the environment, the environment overrides the
//! configuration file, and the file overrides the defaults.
//!
//! Settings that contradict each other are rejected here.

use std::path::Path;

use doorward::PerUser;

use super::{
    AuditConfig, BridgeConfig, Config, PasskeyConfig, RedisConfig, SessionConfig, StoreConfig,
    TokenConfig,
    allowed_origin::AllowedOrigin,
    environment, file,
    listen::ListenAddress,
    listener::{Listener, TlsFiles},
    place::{DATA_DIR, PlaceOptions},
    public_url::PublicUrl,
    span::Span,
    tables::{Audit, Cluster, Connections, Redis},
    values::{
        AppName, AppNames, AuditSink, Excess, KeyStore, Profile, SameSite, Store, TokenName,
        Transport,
    },
};
use crate::terminal::Failure;

impl Config {
    /// Reads the configuration file, if one is named, then the environment and the options. Later sources override
    /// earlier ones. `listen` is the option of that name.
    pub(crate) fn load(
        place: &PlaceOptions,
        listen: Option<&ListenAddress>,
    ) -> Result<Self, Failure> {
        Self::join(place, listen, std::env::vars_os())
    }

    /// Reads the configuration of a server. The options `listen` and `apps` override the settings of the same name.
    pub(crate) fn load_to_serve(
        place: &PlaceOptions,
        listen: Option<&ListenAddress>,
        apps: Option<&AppNames>,
    ) -> Result<Self, Failure> {
        let config = Self::load(place, listen)?;
        Ok(Self { apps: apps.map_or(config.apps, |apps| apps.0.clone()), ..config })
    }

    pub(super) fn join(
        place: &PlaceOptions,
        listen: Option<&ListenAddress>,
        environment: impl Iterator<Item = environment::Variable>,
    ) -> Result<Self, Failure> {
        let file = place.config.as_deref().map(file::read).transpose()?.unwrap_or_default();
        let settings = environment::read(environment)?.or(file);
        let data_dir = place.data_dir.clone().or(settings.data_dir).unwrap_or(DATA_DIR.into());
        let (database, postgres) = match settings.database.url {
            None => (data_dir.join(DATABASE), None),
            Some(url) => match url.sqlite_file()? {
                Some(file) => (file, None),
                None => (data_dir.join(DATABASE), Some(url)),
            },
        };
        let profile = settings.profile.unwrap_or(Profile::Development);
        let bridge = bridge(&settings.redis)?;
        let key_store = settings.token.key_store;
        let store = store(settings.session.store, settings.redis, settings.cluster, key_store)?;
        let idle_timeout = settings.session.idle_timeout.unwrap_or(Span::HOUR);
        if idle_timeout < Span::MINUTE {
            return Err(Failure::new(IDLE_TOO_SHORT));
        }
        let origins = settings.origins.allow.unwrap_or_default();
        if profile == Profile::Production {
            check_production(&store, settings.public_url.as_ref(), &origins)?;
        }
        let limits = settings.limits.limits().map_err(|error| {
            Failure::new(format_args!("the settings contradict each other: {error}"))
        })?;
        let (audit, record_first) = audit(settings.audit, &data_dir)?;
        let (links, sockets) = per_user(&settings.connections);
        if settings.metrics.listen.as_ref().is_some_and(ListenAddress::is_unix) {
            return Err(Failure::new(METRICS_ON_UNIX));
        }
        let trusted_proxies = settings.trusted_proxies.unwrap_or_default();
        let listener = Listener {
            address: listen.cloned().or(settings.listen).unwrap_or_default(),
            tls: TlsFiles::new(settings.tls)?,
            proxy_protocol: settings.proxy_protocol.unwrap_or(false),
        };
        listener.check(settings.public_url.as_ref(), &trusted_proxies)?;
        Ok(Self {
            profile,
            listener,
            public_url: settings.public_url,
            // The default issuer is not the public URL: with port 0 the URL differs at each start, and `doorward
            // token` must use the same issuer without asking the server.
            token: TokenConfig {
                issuer: settings.token.issuer.unwrap_or_default(),
                audience: settings.token.audience.unwrap_or_default(),
            },
            issuers: settings.issuers.unwrap_or_default().0,
            session: SessionConfig {
                store,
                idle_timeout,
                lifetime: settings.session.lifetime.unwrap_or(Span::HALF_A_DAY),
                same_site: settings.session.same_site.unwrap_or(SameSite::Lax),
                expose_token: settings.session.expose_token.unwrap_or(false),
                fresh_for: settings.session.fresh_for.unwrap_or(Span::FIVE_MINUTES),
            },
            bridge,
            passkeys: PasskeyConfig {
                rp_id: settings.passkeys.rp_id,
                name: settings.passkeys.name.unwrap_or_else(TokenName::of_the_product),
                sign_up: settings.passkeys.sign_up.unwrap_or(true),
            },
            apps: settings.apps.unwrap_or_else(|| AppName::defaults(profile)),
            polling: may_poll(settings.transports.as_deref())?,
            polling_same_address: settings.polling.same_address.unwrap_or(false),
            node_cookie: settings.polling.node_cookie.clone(),
            hosts: settings.hosts.allow.unwrap_or_default(),
            origins,
            trusted_proxies,
            links,
            sockets,
            audit,
            record_first,
            metrics: settings.metrics.listen,
            mole_round: settings.mole.round.unwrap_or(Span::MINUTE),
            limits,
            data_dir,
            database,
            postgres,
        })
    }
}

/// Returns the store of sessions. A Redis server that is named is used unless another store is chosen.
fn store(
    chosen: Option<Store>,
    redis: Redis,
    cluster: Cluster,
    key_store: Option<KeyStore>,
) -> Result<StoreConfig, Failure> {
    let (ca, node, key_store) = (redis.ca, cluster.node, key_store.unwrap_or(KeyStore::Redis));
    let redis = redis.url.map(|url| RedisConfig { url, ca, node, key_store });
    match (chosen, redis) {
        (Some(Store::Redis) | None, Some(redis)) => Ok(StoreConfig::Redis(redis)),
        (Some(Store::Redis), None) => Err(Failure::new(NO_REDIS)),
        (Some(Store::Memory), _) => Ok(StoreConfig::Memory),
        (Some(Store::Sqlite) | None, _) => Ok(StoreConfig::Sqlite),
    }
}

/// Returns the bridge to Socket.IO servers for Node.js, if it is turned on.
fn bridge(redis: &Redis) -> Result<Option<BridgeConfig>, Failure> {
    let settings = &redis.socket_io;
    if !settings.enabled.unwrap_or(false) {
        return Ok(None);
    }
    let url = settings.url.as_ref().or(redis.url.as_ref());
    let url = url.cloned().ok_or_else(|| Failure::new(BRIDGE_WITHOUT_REDIS))?;
    Ok(Some(BridgeConfig { url, ca: redis.ca.clone(), key: settings.key.clone() }))
}

/// Returns the sink of audit records, and `true` if decisions wait for their records.
fn audit(settings: Audit, data_dir: &Path) -> Result<(AuditConfig, bool), Failure> {
    let record_first = settings.record_first.unwrap_or(false);
    let sink = settings.sink.unwrap_or(AuditSink::Log);
    if record_first && sink == AuditSink::Log {
        return Err(Failure::new(RECORD_FIRST_IN_LOG));
    }
    let audit = match sink {
        AuditSink::File => {
            AuditConfig::File(settings.file.unwrap_or_else(|| data_dir.join(AUDIT_FILE)))
        }
        AuditSink::Log => AuditConfig::Log,
        AuditSink::Sql => AuditConfig::Sql,
    };
    Ok((audit, record_first))
}

/// Returns `true` if clients may poll. Fails if they could not use a WebSocket.
fn may_poll(transports: Option<&[Transport]>) -> Result<bool, Failure> {
    match transports {
        Some(named) if !named.contains(&Transport::WebSocket) => Err(Failure::new(NO_WEBSOCKET)),
        Some(named) => Ok(named.contains(&Transport::Polling)),
        None => Ok(true),
    }
}

/// Rejects settings that profile `production` forbids: sessions in memory, and origins without TLS.
fn check_production(
    store: &StoreConfig,
    public_url: Option<&PublicUrl>,
    origins: &[AllowedOrigin],
) -> Result<(), Failure> {
    if *store == StoreConfig::Memory {
        return Err(Failure::new(MEMORY_IN_PRODUCTION));
    }
    let pages = origins.iter().filter_map(AllowedOrigin::page);
    let is_open = |url: &&PublicUrl| !url.is_secure() && !url.is_localhost();
    match public_url.into_iter().chain(pages).find(is_open) {
        None => Ok(()),
        Some(url) => Err(Failure::new(format_args!(
            "profile is \"production\" and {url} is not encrypted: an attacker on the network could \
             take over sessions; write https://"
        ))),
    }
}

/// Returns the limit on the links of a user, and the limit on the sockets of a user in each namespace. The setting
/// `per_namespace` selects which of the two is limited. The other is unlimited.
fn per_user(settings: &Connections) -> (PerUser, PerUser) {
    let any = PerUser::Unlimited;
    let Some(count) = settings.per_user else { return (any, any) };
    let policy = match settings.on_excess.unwrap_or(Excess::RefuseNew) {
        Excess::RefuseNew => PerUser::RefuseNew(count.0.get()),
        Excess::ReplaceOldest => PerUser::ReplaceOldest(count.0.get()),
    };
    if settings.per_namespace.unwrap_or(false) { (any, policy) } else { (policy, any) }
}

const METRICS_ON_UNIX: &str =
    "metrics.listen cannot be a Unix socket: write HOST:PORT, such as localhost:9100";

/// Name of the SQLite file in the data directory.
const DATABASE: &str = "doorward.db";

/// Error if clients could not upgrade.
const NO_WEBSOCKET: &str =
    "transports must name \"websocket\": write [\"polling\", \"websocket\"] or [\"websocket\"]";

/// Default name of the audit file in the data directory.
const AUDIT_FILE: &str = "audit.jsonl";

const RECORD_FIRST_IN_LOG: &str = "audit.record_first is set and audit.sink is \"log\": the log keeps no record \
                                   for certain; take \"file\" or \"sql\"";

const NO_REDIS: &str = "session.store is \"redis\", and its address is not set; set redis.url in the \
                        configuration file, or REDIS_URL in the environment";

const BRIDGE_WITHOUT_REDIS: &str = "redis.socket_io is enabled, and the address of Redis is not set; set \
                                    redis.socket_io.url or redis.url";

const IDLE_TOO_SHORT: &str = "session.idle_timeout must be 1m at least: that a session is in use is \
                              written down now and then, and not at every event";

const MEMORY_IN_PRODUCTION: &str = "profile is \"production\" and session.store is \"memory\": a \
                                    restart would sign all users out and forget what was revoked; \
                                    take \"sqlite\" or \"redis\"";
