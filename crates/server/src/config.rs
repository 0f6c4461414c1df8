//! Joins defaults, the configuration file, the environment and the options, each stronger than the one
//! before.
//!
//! Every setting is checked where it is read, so that a mistake is told with its place. Settings that
//! nobody knows are refused: a misspelled one would otherwise be a default in disguise.
//! Start reading at [`Config::load`].

pub(crate) mod allowed_origin;
mod environment;
mod file;
mod known;
mod limits;
pub(crate) mod listen;
mod place;
pub(crate) mod public_url;
mod setting;
mod settings;
pub(crate) mod span;
pub(crate) mod ttl;
mod values;

use std::path::PathBuf;

use doorward::{Limits, PerUser};
use doorward_apps::{ALL, Application};

use self::{
    allowed_origin::AllowedOrigin, listen::ListenAddress, public_url::PublicUrl, span::Span,
};
pub(crate) use self::{
    known::all as all_settings,
    place::{DATA_DIR, PlaceOptions},
    values::{
        AppName, AppNames, AuditSink, Excess, HostName, Profile, Proxies, RpId, SameSite,
        SecretUrl, Store, TokenName,
    },
};
use crate::terminal::Failure;

/// Everything that can be set.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// Whether mistakes that are convenient while one tries things are refused.
    pub(crate) profile: Profile,
    /// Where to listen.
    pub(crate) listen: ListenAddress,
    /// Where keys, the database and the admin socket are.
    pub(crate) data_dir: PathBuf,
    /// What browsers call the server; unless told, `http://localhost:PORT`.
    pub(crate) public_url: Option<PublicUrl>,
    /// What tokens must say.
    pub(crate) token: TokenConfig,
    /// How long sessions last, and where they are kept.
    pub(crate) session: SessionConfig,
    /// What authenticators show, and what passkeys are bound to.
    pub(crate) passkeys: PasskeyConfig,
    /// The file of whatever is kept in SQLite.
    pub(crate) database: PathBuf,
    /// The database of accounts and passkeys, when it is not that file.
    pub(crate) postgres: Option<SecretUrl>,
    /// Applications to mount.
    pub(crate) apps: Vec<AppName>,
    /// Further names that the server answers to.
    pub(crate) hosts: Vec<HostName>,
    /// The other origins whose pages may use the cookie, and applications.
    pub(crate) origins: Vec<AllowedOrigin>,
    /// Who may say where a request comes from.
    pub(crate) trusted_proxies: Proxies,
    /// How many connections a user may have.
    pub(crate) connections: PerUser,
    /// Where records of decisions go.
    pub(crate) audit: AuditConfig,
    /// Whether a yes waits until its record is kept.
    pub(crate) record_first: bool,
    /// Where metrics are served; nowhere unless told.
    pub(crate) metrics: Option<ListenAddress>,
    /// How the game is played.
    pub(crate) mole: MoleConfig,
    /// What the server takes and how long it waits.
    pub(crate) limits: Limits,
}

/// Who issues tokens, and for whom they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenConfig {
    pub(crate) issuer: TokenName,
    pub(crate) audience: TokenName,
}

/// How long sessions last, and where they are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionConfig {
    pub(crate) store: StoreConfig,
    /// Without a sign of life.
    pub(crate) idle_timeout: Span,
    /// In any case.
    pub(crate) lifetime: Span,
    pub(crate) same_site: SameSite,
    /// How old a sign-in may be for what changes how somebody signs in.
    pub(crate) fresh_for: Span,
    /// Whether clients that are no browsers get session tokens.
    pub(crate) expose_token: bool,
}

/// How authenticators know the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PasskeyConfig {
    /// The domain that passkeys are bound to; the host of the public URL unless told.
    pub(crate) rp_id: Option<RpId>,
    pub(crate) name: TokenName,
}

/// Where sessions, tickets and revocations are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoreConfig {
    /// Nowhere for long.
    Memory,
    /// In Redis or what speaks like it.
    Redis(SecretUrl),
    /// In the database.
    Sqlite,
}

/// Where records of decisions go, beside the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AuditConfig {
    /// Into a file of JSON lines.
    File(PathBuf),
    /// Into the log.
    Log,
    /// Into a table of the database.
    Sql,
}

/// How whack-a-mole is played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MoleConfig {
    /// How long a round lasts.
    pub(crate) round: Span,
}

impl Config {
    /// Reads the configuration file, if there is one, and lets the environment count more, and the options
    /// most.
    pub(crate) fn load(
        place: &PlaceOptions,
        listen: Option<&ListenAddress>,
    ) -> Result<Self, Failure> {
        Self::join(place, listen, std::env::vars_os())
    }

    fn join(
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
        let redis = settings.redis.url;
        let store = match (settings.session.store, redis) {
            (Some(Store::Redis) | None, Some(url)) => StoreConfig::Redis(url),
            (Some(Store::Redis), None) => return Err(Failure::new(NO_REDIS)),
            (Some(Store::Memory), _) => StoreConfig::Memory,
            (Some(Store::Sqlite) | None, _) => StoreConfig::Sqlite,
        };
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
        let record_first = settings.audit.record_first.unwrap_or(false);
        let sink = settings.audit.sink.unwrap_or(AuditSink::Log);
        if record_first && sink == AuditSink::Log {
            return Err(Failure::new(RECORD_FIRST_IN_LOG));
        }
        let audit = match (sink, settings.audit.file) {
            (AuditSink::File, file) => {
                AuditConfig::File(file.unwrap_or_else(|| data_dir.join(AUDIT_FILE)))
            }
            (AuditSink::Log, _) => AuditConfig::Log,
            (AuditSink::Sql, _) => AuditConfig::Sql,
        };
        Ok(Self {
            profile,
            listen: listen.cloned().or(settings.listen).unwrap_or_default(),
            public_url: settings.public_url,
            // Not the public URL: with port 0 that is another one each time, and `doorward token`
            // must name the same issuer without asking the server.
            token: TokenConfig {
                issuer: settings.token.issuer.unwrap_or_default(),
                audience: settings.token.audience.unwrap_or_default(),
            },
            session: SessionConfig {
                store,
                idle_timeout,
                lifetime: settings.session.lifetime.unwrap_or(Span::HALF_A_DAY),
                same_site: settings.session.same_site.unwrap_or(SameSite::Lax),
                expose_token: settings.session.expose_token.unwrap_or(false),
                fresh_for: settings.session.fresh_for.unwrap_or(Span::FIVE_MINUTES),
            },
            passkeys: PasskeyConfig {
                rp_id: settings.passkeys.rp_id,
                name: settings.passkeys.name.unwrap_or_else(TokenName::of_the_product),
            },
            apps: settings.apps.unwrap_or_else(|| AppName::defaults(profile)),
            hosts: settings.hosts.allow.unwrap_or_default(),
            origins,
            trusted_proxies: settings.trusted_proxies.unwrap_or_default(),
            connections: per_user(&settings.connections),
            audit,
            record_first,
            metrics: settings.metrics.listen,
            mole: MoleConfig { round: settings.mole.round.unwrap_or(Span::MINUTE) },
            limits,
            data_dir,
            database,
            postgres,
        })
    }

    /// Returns the applications to mount, each once, in the order of [`ALL`].
    pub(crate) fn applications(&self) -> Vec<&'static dyn Application> {
        let is_named = |app: &&dyn Application| self.apps.iter().any(|named| named.is(*app));
        ALL.into_iter().filter(is_named).collect()
    }
}

/// Refuses what is convenient while one tries things and wrong for users.
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
            "profile is \"production\" and {url} is not encrypted: whoever is on the way could take \
             sessions over; write https://"
        ))),
    }
}

fn per_user(settings: &settings::Connections) -> PerUser {
    let Some(count) = settings.per_user else { return PerUser::Unlimited };
    let policy = match settings.on_excess.unwrap_or(Excess::RefuseNew) {
        Excess::RefuseNew => PerUser::RefuseNew(count.get()),
        Excess::ReplaceOldest => PerUser::ReplaceOldest(count.get()),
    };
    if settings.per_namespace.unwrap_or(false) { policy.per_namespace() } else { policy }
}

/// The name of the database in the data directory.
const DATABASE: &str = "doorward.db";

/// The name of the audit file in the data directory.
const AUDIT_FILE: &str = "audit.jsonl";

const RECORD_FIRST_IN_LOG: &str = "audit.record_first is set and audit.sink is \"log\": the log keeps no record \
                                   for certain; take \"file\" or \"sql\"";

const NO_REDIS: &str = "session.store is \"redis\", and nobody says where it is; set redis.url in the \
                        configuration file, or REDIS_URL in the environment";

const IDLE_TOO_SHORT: &str = "session.idle_timeout must be 1m at least: that a session is in use is \
                              written down now and then, and not at every event";

const MEMORY_IN_PRODUCTION: &str = "profile is \"production\" and session.store is \"memory\": a \
                                    restart would sign everybody out and forget what was revoked; \
                                    take \"sqlite\" or \"redis\"";

#[cfg(test)]
mod tests;
