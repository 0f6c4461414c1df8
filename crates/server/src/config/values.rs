//! The values of single settings, each with its own syntax.

use std::{fmt, path::PathBuf};

use doorward::{Limits, TrustedProxies, TrustedProxyError};
use serde::Deserialize;

use crate::failure::Failure;

/// For whom the server runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Profile {
    /// For somebody who tries things: keys are made, sessions may be forgotten.
    #[default]
    Development,
    /// For users: nothing is made up that must last.
    Production,
}

/// Where sessions are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Store {
    Memory,
    Redis,
    Sqlite,
}

/// From where a cookie is sent along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SameSite {
    #[default]
    Lax,
    Strict,
}

/// What happens to one connection too many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Excess {
    #[default]
    RefuseNew,
    ReplaceOldest,
}

/// Where records of decisions go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AuditSink {
    File,
    #[default]
    Log,
    Sql,
}

/// The URL of a server, which may hold its password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct SecretUrl(String);

/// A number of links: 1 at least, because with 0 nobody would ever come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
pub(crate) struct LinkCount(usize);

/// The value of an `iss` or `aud`: a visible line of at most 255 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct TokenName(String);

/// Addresses or networks of proxies, as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub(crate) struct Proxies(Vec<String>);

impl Proxies {
    pub(crate) fn texts(&self) -> &[String] {
        &self.0
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
    /// Returns the URL. It must not reach a log.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the file that a database is in; `None` when it is PostgreSQL.
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
    type Error = SecretUrlError;

    fn try_from(text: String) -> Result<Self, SecretUrlError> {
        match text.split_once(':') {
            Some((scheme, rest)) if !scheme.is_empty() && !rest.is_empty() => Ok(Self(text)),
            _ => Err(SecretUrlError),
        }
    }
}

impl LinkCount {
    pub(super) fn get(self) -> usize {
        self.0
    }
}

impl Default for LinkCount {
    fn default() -> Self {
        Self(Limits::default().max_unauthenticated_links)
    }
}

impl TryFrom<i64> for LinkCount {
    type Error = LinkCountError;

    fn try_from(number: i64) -> Result<Self, LinkCountError> {
        match usize::try_from(number) {
            Ok(count @ 1..) => Ok(Self(count)),
            _ => Err(LinkCountError),
        }
    }
}

/// The domain that passkeys are bound to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct RpId(String);

impl RpId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RpId {
    type Error = RpIdError;

    fn try_from(text: String) -> Result<Self, RpIdError> {
        let is_domain = !text.is_empty()
            && text.len() <= MAX_NAME
            && text.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte)
            });
        if is_domain { Ok(Self(text)) } else { Err(RpIdError) }
    }
}

/// A text that is no domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("passkeys.rp_id is a domain in lower case, such as example.org")]
pub(crate) struct RpIdError;

impl TokenName {
    /// What the product is called.
    pub(crate) fn of_the_product() -> Self {
        Self("Doorward".to_owned())
    }

    /// Returns the name as it stands in a token.
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
    type Error = TokenNameError;

    fn try_from(text: String) -> Result<Self, TokenNameError> {
        let is_name = text.len() <= MAX_NAME && doorward::is_visible_line(&text);
        if is_name { Ok(Self(text)) } else { Err(TokenNameError) }
    }
}

/// A text that is no URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a URL, such as redis://localhost:6379 or sqlite:/var/lib/doorward/doorward.db")]
pub(crate) struct SecretUrlError;

/// A number that no server can work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("max_unauthenticated_links is a whole number of links, 1 at least")]
pub(crate) struct LinkCountError;

/// A text that is no name for an issuer or an audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("issuer and audience are 1-255 printable characters")]
pub(crate) struct TokenNameError;

/// In bytes.
const MAX_NAME: usize = 255;
