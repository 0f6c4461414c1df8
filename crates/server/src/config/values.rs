//! Types of single settings, each with its own syntax.

use std::{fmt, net::Ipv4Addr, num::NonZeroUsize, path::PathBuf, str::FromStr};

use doorward::server::{TrustedProxies, TrustedProxyError};
use doorward_apps::{ALL, Application};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::form::{Form, Setting};
use super::{
    listen::ListenAddress,
    public_url::{PublicUrl, read_host, read_port, split_port},
    span::Span,
};
use crate::terminal::{
    Failure,
    nearest::{did_you_mean, nearest},
};

/// Implements [`Setting`] for each `Type: Form` pair. The form says how a value of the type is written in the
/// configuration.
macro_rules! written {
    ($($type:ty: $form:ident,)+) => {
        $(impl Setting for $type {
            const FORM: Form = Form::$form;
        })+
    };
}

written! {
    Count: Number,
    ListenAddress: Text,
    PathBuf: Text,
    Proxies: List,
    PublicUrl: Text,
    RpId: Text,
    SecretUrl: Text,
    Span: Text,
    TokenName: Text,
    bool: Switch,
}

/// Implements `Deserialize` for types that are parsed from a text.
macro_rules! read_from_text {
    ($($type:ty),+) => {
        $(impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        })+
    };
}

read_from_text!(AppName, ListenAddress, PublicUrl, Span);

/// Declares a setting whose value is one of a few words.
macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$attribute:meta])* $choice:ident = $word:literal,)+ })+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
            #[serde(try_from = "String")]
            pub(crate) enum $name {
                $($(#[$attribute])* $choice,)+
            }

            impl TryFrom<String> for $name {
                type Error = ChoiceError;

                fn try_from(text: String) -> Result<Self, ChoiceError> {
                    match &*text {
                        $($word => Ok(Self::$choice),)+
                        _ => Err(ChoiceError::new(&text, &[$($word),+])),
                    }
                }
            }

            written! { $name: Text, }
        )+
    };
}

choices! {
    /// Purpose of the server.
    Profile {
        /// Profile to try the server out: a missing key is created, and sessions may be kept in memory.
        Development = "development",
        /// Profile for a server with users: a missing key is an error, and sessions must not be kept in memory.
        Production = "production",
    }

    /// Store of sessions.
    Store {
        Memory = "memory",
        Redis = "redis",
        Sqlite = "sqlite",
    }

    /// Place of the signing keys of a cluster.
    KeyStore {
        /// A file of each node. The files contain the same keys.
        File = "file",
        /// Redis, from which each node copies them into its file.
        Redis = "redis",
    }

    /// `SameSite` attribute of the session cookie.
    SameSite {
        Lax = "lax",
        Strict = "strict",
    }

    /// Policy for a connection above the limit of a user.
    Excess {
        RefuseNew = "refuse_new",
        ReplaceOldest = "replace_oldest",
    }

    /// Way in which clients connect.
    Transport {
        Polling = "polling",
        WebSocket = "websocket",
    }

    /// Sink of audit records.
    AuditSink {
        File = "file",
        Log = "log",
        Sql = "sql",
    }
}

/// Error for a word that a setting does not accept. The message does not repeat the word, which may be a password
/// in the wrong place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write {words}{}", did_you_mean(nearest.map(|word| format!("{word:?}"))))]
pub(crate) struct ChoiceError {
    words: String,
    nearest: Option<&'static str>,
}

impl ChoiceError {
    pub(super) fn new(text: &str, words: &[&'static str]) -> Self {
        let quoted: Vec<_> = words.iter().map(|word| format!("{word:?}")).collect();
        let words_of = match &quoted[..] {
            [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
            all => all.join(""),
        };
        Self { words: words_of, nearest: nearest(text, words.iter().copied()) }
    }
}

/// Name of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AppName(&'static str);

/// Names of applications, separated by commas. An empty text names none.
#[derive(Clone, Debug)]
pub(crate) struct AppNames(pub(crate) Vec<AppName>);

impl AppName {
    /// Returns the default of the setting `apps`. Profile `development` mounts all applications, as demonstrations.
    /// Profile `production` mounts only the applications that the operator names.
    pub(super) fn defaults(profile: Profile) -> Vec<Self> {
        match profile {
            Profile::Development => ALL.into_iter().map(|app| Self(app.name())).collect(),
            Profile::Production => Vec::new(),
        }
    }

    pub(super) fn is(self, app: &dyn Application) -> bool {
        self.0 == app.name()
    }
}

impl FromStr for AppNames {
    type Err = ChoiceError;

    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl FromStr for AppName {
    type Err = ChoiceError;

    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        let names = ALL.map(Application::name);
        let found = names.into_iter().find(|name| *name == text);
        found.map(Self).ok_or_else(|| ChoiceError::new(text, &names))
    }
}

/// Additional name of the server: a host with a port, or a host that matches with any port.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct HostName {
    /// Host in lower case. An IPv6 address is in brackets.
    host: String,
    port: Option<u16>,
}

impl HostName {
    /// Returns `true` if `named`, the `Host` of a request, is this name.
    pub(crate) fn is(&self, named: &str) -> bool {
        let (host, port) = split_port(named);
        let port = port.map(read_port);
        let is_port = match self.port {
            None => port != Some(None),
            Some(own) => port == Some(Some(own)),
        };
        is_port && host.eq_ignore_ascii_case(&self.host)
    }
}

impl TryFrom<String> for HostName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let text = text.to_ascii_lowercase();
        let (host, port) = split_port(&text);
        let host = read_host(host).ok_or(NO_HOST)?;
        let port = port.map(|port| read_port(port).ok_or(NO_HOST)).transpose()?;
        Ok(Self { host, port })
    }
}

/// URL of a database or Redis server, which may contain a password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct SecretUrl(String);

/// A count of at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
pub(crate) struct Count(pub(super) NonZeroUsize);

/// Value of the claim `iss` or `aud`, or the name that authenticators show. It is one line of printable characters,
/// of at most 255 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct TokenName(String);

/// Addresses or networks of proxies, as written in the setting `trusted_proxies`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub(crate) struct Proxies(Vec<String>);

impl Proxies {
    pub(crate) fn texts(&self) -> &[String] {
        &self.0
    }

    /// Returns `true` if a proxy on this machine is trusted, which the framework knows as `127.0.0.1`.
    pub(crate) fn trust_this_machine(&self) -> bool {
        let here = Ipv4Addr::LOCALHOST.into();
        TrustedProxies::new(&self.0).is_ok_and(|proxies| proxies.trusts(here))
    }
}

impl TryFrom<Vec<String>> for Proxies {
    type Error = TrustedProxyError;

    fn try_from(texts: Vec<String>) -> Result<Self, TrustedProxyError> {
        TrustedProxies::new(&texts)?;
        Ok(Self(texts))
    }
}

impl SecretUrl {
    /// Returns the URL. Never log it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the path of the SQLite file, or `None` for a PostgreSQL URL. Fails for any other URL.
    pub(crate) fn sqlite_file(&self) -> Result<Option<PathBuf>, Failure> {
        match self.0.split_once(':') {
            Some(("sqlite", rest)) => Ok(Some(rest.strip_prefix("//").unwrap_or(rest).into())),
            Some(("postgres" | "postgresql", _)) => Ok(None),
            _ => Err(Failure::new(
                "database.url (or DATABASE_URL) must be sqlite:PATH or \
                 postgres://USER:PASSWORD@HOST/DATABASE",
            )),
        }
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretUrl([redacted])")
    }
}

impl TryFrom<String> for SecretUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        match text.split_once(':') {
            Some((scheme, rest)) if !scheme.is_empty() && !rest.is_empty() => Ok(Self(text)),
            _ => Err(NO_URL),
        }
    }
}

impl TryFrom<i64> for Count {
    type Error = &'static str;

    fn try_from(number: i64) -> Result<Self, &'static str> {
        let number = usize::try_from(number).ok().and_then(NonZeroUsize::new);
        number.map(Self).ok_or(NO_COUNT)
    }
}

/// Domain that passkeys are bound to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct RpId(String);

impl RpId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RpId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let is_domain = !text.is_empty()
            && text.len() <= MAX_NAME
            && text.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte)
            });
        if is_domain { Ok(Self(text)) } else { Err(NO_DOMAIN) }
    }
}

impl TokenName {
    /// Returns the default of `passkeys.name`.
    pub(crate) fn of_the_product() -> Self {
        Self("Doorward".to_owned())
    }

    /// Returns the name as written in a token.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TokenName {
    fn default() -> Self {
        Self("doorward".to_owned())
    }
}

impl TryFrom<String> for TokenName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let is_name = text.len() <= MAX_NAME && doorward::__private::is_visible_line(&text);
        if is_name { Ok(Self(text)) } else { Err(NO_NAME) }
    }
}

/// Maximum length of a [`TokenName`] or [`RpId`] in bytes.
const MAX_NAME: usize = 255;

const NO_HOST: &str =
    "write a host, with a port or without, such as \"doorward\" or \"doorward:3000\"";

const NO_DOMAIN: &str = "passkeys.rp_id is a domain in lower case, such as example.org";

const NO_URL: &str =
    "write a URL, such as redis://localhost:6379 or sqlite:/var/lib/doorward/doorward.db";

const NO_COUNT: &str = "write a whole number, 1 at least";

const NO_NAME: &str = "issuer and audience are 1-255 printable characters";
