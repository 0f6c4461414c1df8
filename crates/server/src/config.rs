//! Settings of the server. They come from the defaults, the configuration file, the environment and the options.
//! `precedence` decides which source wins.
//!
//! Each setting is checked where it is read, so that an error can name the place of the setting. An unknown
//! setting is an error, because a misspelled setting would otherwise silently keep its default. Start reading at
//! [`Config::load`].

pub(crate) mod allowed_origin;
mod environment;
mod file;
mod form;
pub(crate) mod issuers;
mod known;
mod limits;
pub(crate) mod listen;
pub(crate) mod listener;
mod place;
mod precedence;
pub(crate) mod public_url;
pub(crate) mod span;
mod tables;
pub(crate) mod ttl;
mod values;

use std::path::PathBuf;

use doorward::{Limits, PerUser};
use doorward_apps::{ALL, Application};

use self::{
    allowed_origin::AllowedOrigin, issuers::IssuerConfig, listen::ListenAddress,
    listener::Listener, public_url::PublicUrl, span::Span,
};
pub(crate) use self::{
    known::all as all_settings,
    place::{DATA_DIR, PlaceOptions},
    values::{
        AppName, AppNames, HostName, KeyStore, Profile, Proxies, RpId, SameSite, SecretUrl,
        TokenName,
    },
};

/// All settings, with defaults applied.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// Purpose of the server. `production` rejects settings that are only for trying things out.
    pub(crate) profile: Profile,
    /// How the server accepts connections.
    pub(crate) listener: Listener,
    /// Directory of keys, database and admin socket.
    pub(crate) data_dir: PathBuf,
    /// URL of the server as browsers know it. `None` for `http://localhost:PORT`.
    pub(crate) public_url: Option<PublicUrl>,
    /// Issuer and audience of access tokens.
    pub(crate) token: TokenConfig,
    /// Identity providers whose access tokens are accepted too.
    pub(crate) issuers: Vec<IssuerConfig>,
    /// Lifetimes and store of sessions.
    pub(crate) session: SessionConfig,
    /// Bridge to Socket.IO servers for Node.js. `None` if it is turned off.
    pub(crate) bridge: Option<BridgeConfig>,
    /// Relying party of passkeys, and the name that authenticators show.
    pub(crate) passkeys: PasskeyConfig,
    /// Path of the SQLite file. It always exists, and holds everything that is not configured to be stored
    /// elsewhere.
    pub(crate) database: PathBuf,
    /// URL of the PostgreSQL database of accounts and passkeys. `None` if they are kept in the SQLite file.
    pub(crate) postgres: Option<SecretUrl>,
    /// Applications to mount.
    pub(crate) apps: Vec<AppName>,
    /// `true` if clients may poll.
    pub(crate) polling: bool,
    /// `true` if a client that polls must keep its address.
    pub(crate) polling_same_address: bool,
    /// Name of the cookie that names the node of a client that polls. `None` for no cookie.
    pub(crate) node_cookie: Option<TokenName>,
    /// Host names for which the server answers, in addition to that of the public URL.
    pub(crate) hosts: Vec<HostName>,
    /// Additional origins that may use the server: those of web pages, and those of native applications.
    pub(crate) origins: Vec<AllowedOrigin>,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub(crate) trusted_proxies: Proxies,
    /// Limit of links (WebSocket connections) per user.
    pub(crate) links: PerUser,
    /// Limit of sockets per user in each namespace.
    pub(crate) sockets: PerUser,
    /// Sink of audit records.
    pub(crate) audit: AuditConfig,
    /// `true` if admissions, sign-ins and revocations take effect only after their audit records are stored.
    pub(crate) record_first: bool,
    /// Address of the metrics listener. `None` for no metrics.
    pub(crate) metrics: Option<ListenAddress>,
    /// Duration of a round of whack-a-mole.
    pub(crate) mole_round: Span,
    /// Limits of the framework.
    pub(crate) limits: Limits,
}

/// Issuer and audience of access tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenConfig {
    pub(crate) issuer: TokenName,
    pub(crate) audience: TokenName,
}

/// Lifetimes and store of sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionConfig {
    pub(crate) store: StoreConfig,
    /// Time after the last activity of the client at which a session expires.
    pub(crate) idle_timeout: Span,
    /// Time after its creation at which a session expires.
    pub(crate) lifetime: Span,
    pub(crate) same_site: SameSite,
    /// Maximum time since the sign-in of a user who changes passkeys, recovery codes or the account.
    pub(crate) fresh_for: Span,
    /// `true` if a sign-in returns the session token to a client that is not a browser and keeps no cookies.
    pub(crate) expose_token: bool,
}

/// Relying party of passkeys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PasskeyConfig {
    /// Domain that passkeys are bound to. `None` for the host of the public URL.
    pub(crate) rp_id: Option<RpId>,
    pub(crate) name: TokenName,
    /// `true` if clients may create accounts.
    pub(crate) sign_up: bool,
}

/// Store of sessions, tickets and revocations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoreConfig {
    /// Memory of the process, which is lost when the process ends.
    Memory,
    /// Redis, or another server with the protocol of Redis. The server is a node of a cluster.
    Redis(RedisConfig),
    /// The SQLite file [`Config::database`].
    Sqlite,
}

/// Redis server, and the place of this server in the cluster of all servers that use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RedisConfig {
    pub(crate) url: SecretUrl,
    /// File with the certificates of the authorities that may have issued the certificate of the Redis server.
    /// `None` for those of the machine.
    pub(crate) ca: Option<PathBuf>,
    /// Name of this node. `None` for the name of the machine.
    pub(crate) node: Option<TokenName>,
    pub(crate) key_store: KeyStore,
}

impl RedisConfig {
    /// Returns the name of this node: that of the setting, or else that of the machine.
    pub(crate) fn node_name(&self) -> String {
        let machine = || rustix::system::uname().nodename().to_string_lossy().into_owned();
        self.node.as_ref().map_or_else(machine, |node| node.as_str().to_owned())
    }
}

/// Bridge to Socket.IO servers for Node.js.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BridgeConfig {
    /// URL of the Redis server, with the user of the bridge.
    pub(crate) url: SecretUrl,
    /// As [`RedisConfig::ca`].
    pub(crate) ca: Option<PathBuf>,
    /// Beginning of the names of all channels. `None` for that of the adapter.
    pub(crate) key: Option<TokenName>,
}

/// Sink of audit records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AuditConfig {
    /// A file of JSON lines.
    File(PathBuf),
    /// The log on standard error.
    Log,
    /// A table of the SQLite file.
    Sql,
}

impl Config {
    /// Returns the URL of a server that listens on `port` of this machine.
    pub(crate) fn local_url(&self, port: u16) -> PublicUrl {
        PublicUrl::localhost(self.listener.tls.is_some(), port)
    }

    /// Returns the Redis server of the cluster. `None` if this server is the only node.
    pub(crate) fn redis(&self) -> Option<&RedisConfig> {
        match &self.session.store {
            StoreConfig::Redis(redis) => Some(redis),
            StoreConfig::Memory | StoreConfig::Sqlite => None,
        }
    }

    /// Returns the applications to mount, each once, in the order of [`ALL`].
    pub(crate) fn applications(&self) -> Vec<&'static dyn Application> {
        let is_named = |app: &&dyn Application| self.apps.iter().any(|named| named.is(*app));
        ALL.into_iter().filter(is_named).collect()
    }
}

#[cfg(test)]
mod tests;
