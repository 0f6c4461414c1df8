//! Decides which claims let somebody in.
//!
//! All rules stand in [`Policy::check`], to be read from top to bottom; it sees a token only after
//! its signature was found good. That the time is over is said last, so that a token which is told
//! so is good in everything else. Claims without a rule are kept for the application.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use doorward_core::{RefusalReason, SessionId, TokenId, UserId};
use serde_json::{Map, Value};

use crate::{Claims, identifier::is_identifier};

/// What a token must say.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    /// The only `iss`; any when `None`.
    pub(super) issuer: Option<String>,
    pub(super) audience: Audience,
    /// The only `typ`; the header's own default when `None`.
    pub(super) token_type: Option<String>,
    /// From `iat`, or from now, to `exp`.
    pub(super) max_lifetime: Duration,
    /// How far `nbf` and `iat` may be ahead of the clock.
    pub(super) leeway: Duration,
    /// Whether the tokens are our own: they name the generation of their user, and what others write
    /// there means nothing.
    pub(super) is_own: bool,
}

/// For whom a token must be.
#[derive(Clone, Debug)]
pub(super) enum Audience {
    /// For anybody, known or not.
    Any,
    /// For this one, perhaps among others.
    Is(String),
    /// For nobody in particular.
    Unnamed,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            issuer: None,
            audience: Audience::Unnamed,
            token_type: None,
            max_lifetime: Duration::from_hours(24),
            leeway: Duration::from_secs(5),
            is_own: false,
        }
    }
}

impl Policy {
    /// Judges the claims of a token whose signature is good.
    pub(super) fn check(
        &self,
        claims: Map<String, Value>,
        now: SystemTime,
    ) -> Result<Claims, RefusalReason> {
        let subject = identifier(&claims, "sub")?.ok_or(RefusalReason::TokenClaims)?;
        let expires_at = time(&claims, "exp")?.ok_or(RefusalReason::TokenClaims)?;
        let not_before = time(&claims, "nbf")?;
        let issued_at = time(&claims, "iat")?;
        // A token or session that names itself in a way nobody can write down could not be revoked.
        let token = identifier(&claims, "jti")?;
        let session = identifier(&claims, "sid")?;
        let signed_in_at = time(&claims, "auth_time")?;
        let generation = if self.is_own { generation(&claims)? } else { None };

        if !self.is_issuer(claims.get("iss")) || !self.audience.is_met_by(claims.get("aud")) {
            return Err(RefusalReason::TokenClaims);
        }
        // A sign-in of tomorrow would be fresh for ever.
        if signed_in_at.is_some_and(|at| exceeds(self.leeway, now, at)) {
            return Err(RefusalReason::TokenClaims);
        }
        if exceeds(self.max_lifetime, issued_at.unwrap_or(now), expires_at) {
            return Err(RefusalReason::TokenTooLong);
        }
        let leeway = self.leeway(generation);
        if [not_before, issued_at].into_iter().flatten().any(|at| exceeds(leeway, now, at)) {
            return Err(RefusalReason::TokenTooEarly);
        }
        // "On or after which the JWT MUST NOT be accepted" (RFC 7519 section 4.1.4).
        if expires_at <= now {
            return Err(RefusalReason::TokenExpired);
        }

        Ok(Claims {
            subject: UserId::new(subject),
            expires_at,
            issued_at,
            token: token.map(TokenId::new),
            session: session.map(SessionId::new),
            signed_in_at,
            generation,
            all: Arc::new(claims),
        })
    }

    /// How far the clock of a token may be ahead. Our own tokens that name no generation are judged by time, and
    /// come from the machine that judges them (`doorward token`): with a leeway they would be refused for as
    /// long after a revocation.
    pub(super) fn leeway(&self, generation: Option<u64>) -> Duration {
        if self.is_own && generation.is_none() { Duration::ZERO } else { self.leeway }
    }

    fn is_issuer(&self, iss: Option<&Value>) -> bool {
        self.issuer.as_deref().is_none_or(|issuer| iss.and_then(Value::as_str) == Some(issuer))
    }
}

impl Audience {
    /// A recipient that does not find itself in an `aud` must refuse the token (RFC 7519 section
    /// 4.1.3); one that has no name never finds itself.
    fn is_met_by(&self, aud: Option<&Value>) -> bool {
        match (self, aud) {
            (Self::Any, _) | (Self::Unnamed, None) => true,
            (Self::Is(name), Some(Value::String(aud))) => aud == name,
            (Self::Is(name), Some(Value::Array(list))) => {
                list.iter().all(Value::is_string) && list.iter().any(|aud| aud == name)
            }
            (Self::Is(_) | Self::Unnamed, _) => false,
        }
    }
}

/// Reads a claim that is a name; `None` when it is absent.
fn identifier<'a>(
    claims: &'a Map<String, Value>,
    name: &str,
) -> Result<Option<&'a str>, RefusalReason> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if is_identifier(text) => Ok(Some(text)),
        Some(_) => Err(RefusalReason::TokenClaims),
    }
}

/// Reads a claim that is a time in whole seconds; `None` when it is absent.
///
/// RFC 7519 section 2 would allow fractions. Issuers do not write them, and a number that two
/// parsers round differently ends at two times.
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<SystemTime>, RefusalReason> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    value
        .as_u64()
        .and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)))
        .map(Some)
        .ok_or(RefusalReason::TokenClaims)
}

/// Reads the generation of the user; `None` for a token that was written where nobody knew it, and that
/// is judged by the time at which it was issued.
fn generation(claims: &Map<String, Value>) -> Result<Option<u64>, RefusalReason> {
    let Some(value) = claims.get("gen") else { return Ok(None) };
    value.as_u64().map(Some).ok_or(RefusalReason::TokenClaims)
}

/// Whether `to` is later than `from` by more than `limit`.
fn exceeds(limit: Duration, from: SystemTime, to: SystemTime) -> bool {
    to.duration_since(from).is_ok_and(|distance| distance > limit)
}

#[cfg(test)]
mod tests;
