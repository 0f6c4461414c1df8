//! Checks the claims of a token.
//!
//! [`Policy::check`] contains all rules. It receives the claims only after the signature was
//! verified. Expiry is checked last, so that a client receives `token_expired` only if its token is
//! valid in every other respect. Claims without a rule are kept for the application.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use doorward_core::{Problem, RefusalReason, SessionId, TokenId, UserId};
use serde_json::{Map, Value};

use crate::{
    credential::denied::Denied,
    identifier::is_identifier,
    jwt::{claims::Claims, date, shape::Shape},
};

/// Rules for the claims of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    /// The only accepted `iss`. With `None`, any `iss` is accepted.
    pub(crate) issuer: Option<String>,
    /// Rule for the `aud`.
    pub(crate) audience: Audience,
    /// The only accepted `typ`. With `None`, the types of a plain JWT and of an access token are
    /// accepted, and the `typ` may be absent.
    pub(crate) token_type: Option<String>,
    /// Maximum time from `iat` to `exp`. Without an `iat`, it is counted from now.
    pub(crate) max_lifetime: Duration,
    /// Maximum time by which `nbf`, `iat` and `auth_time` may be in the future. [`Policy::leeway`]
    /// has an exception for `nbf` and `iat`.
    pub(crate) leeway: Duration,
    /// Names of the claims.
    pub(crate) shape: Shape,
    /// Name of the issuer that the ids of its users, sessions and tokens begin with. With `None`,
    /// the ids are those in the token.
    pub(crate) space: Option<Arc<str>>,
    /// Rule for a token without an `exp`.
    pub(crate) expiry: Expiry,
    /// `true` for this server's own tokens, whose `gen` is the generation of their user. In tokens
    /// of other issuers, `gen` is ignored.
    pub(crate) is_own: bool,
}

/// Rule for a token without an `exp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// The token is refused.
    Demanded,
    /// The token expires the maximum lifetime after its `iat`, which it must have.
    OrMaxFromIssue,
    /// The token expires the maximum lifetime after it was checked.
    OrMaxFromNow,
}

/// Rule for the `aud` of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Any `aud` is accepted, and so is a token without an `aud`.
    Any,
    /// The `aud` must be one of these texts, or a list that contains one of them.
    OneOf(Vec<String>),
    /// The token must not have an `aud`.
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
            shape: Shape::DEFAULT,
            space: None,
            expiry: Expiry::Demanded,
            is_own: false,
        }
    }
}

impl Policy {
    /// Returns the claims if they satisfy the policy. Otherwise fails with the refusal of the first
    /// broken rule. The caller has verified the signature of the token.
    pub(crate) fn check(
        &self,
        claims: Map<String, Value>,
        now: SystemTime,
    ) -> Result<Claims, Denied> {
        // Every claim is read before any is checked, so a malformed token never counts as an
        // expired one.
        let subject = self.own(self.shape.user, user(&claims, self.shape.user)?)?;
        let not_before = time(&claims, "nbf")?;
        let issued_at = time(&claims, "iat")?;
        let expires_at = self.end(time(&claims, "exp")?, issued_at, now)?;
        // A token or session id that a store cannot keep could not be revoked.
        let token =
            identifier(&claims, "jti")?.map(|id| self.own("jti", id.to_owned())).transpose()?;
        let session_claim = self.shape.session;
        let session = identifier(&claims, session_claim)?;
        let session = session.map(|id| self.own(session_claim, id.to_owned())).transpose()?;
        let signed_in_at = time(&claims, "auth_time")?;
        let generation = if self.is_own { generation(&claims)? } else { None };

        self.check_issuer(claims.get("iss")).map_err(|problem| Denied::claim("iss", problem))?;
        let audience = self.shape.audience;
        self.audience
            .check(claims.get(audience))
            .map_err(|problem| Denied::claim(audience, problem))?;
        self.shape.check(&claims)?;
        // Only the holder of a key may use such a token (RFC 7800), as with DPoP (RFC 9449) and mutual
        // TLS (RFC 8705). A CONNECT contains no proof of the key.
        if claims.contains_key("cnf") {
            return Err(Denied::claim("cnf", Problem::NotAllowed));
        }
        // Without this check, a sign-in far in the future would count as recent until then.
        if signed_in_at.is_some_and(|at| exceeds(self.leeway, now, at)) {
            return Err(Denied::claim("auth_time", Problem::InTheFuture));
        }
        // Without an `exp`, the lifetime is the longest one.
        let has_end = claims.contains_key("exp") || self.expiry != Expiry::OrMaxFromNow;
        if has_end && exceeds(self.max_lifetime, issued_at.unwrap_or(now), expires_at) {
            let too_long = Denied::claim("exp", Problem::TooLong);
            return Err(too_long.because(RefusalReason::TokenTooLong));
        }
        let leeway = self.leeway(generation);
        for (name, at) in [("nbf", not_before), ("iat", issued_at)] {
            if at.is_some_and(|at| exceeds(leeway, now, at)) {
                let too_early = Denied::claim(name, Problem::InTheFuture);
                return Err(too_early.because(RefusalReason::TokenTooEarly));
            }
        }
        // "On or after which the JWT MUST NOT be accepted" (RFC 7519 section 4.1.4).
        if expires_at <= now {
            let name = if claims.contains_key("exp") { "exp" } else { "iat" };
            let over = Denied::claim(name, Problem::InThePast);
            return Err(over.because(RefusalReason::TokenExpired));
        }

        Ok(Claims {
            subject: UserId::new(subject),
            expires_at,
            issued_at,
            token: token.map(TokenId::new),
            session: session.map(SessionId::new),
            signed_in_at,
            generation,
            shape: self.shape,
            all: Arc::new(claims),
        })
    }

    /// Returns the id in the claim `name` in the space of its issuer, so that equal ids of two issuers
    /// differ. The name of an issuer has no colon, so each id has one reading. Fails if the result is
    /// longer than an id may be, because such an id could not be revoked.
    fn own(&self, name: &'static str, id: String) -> Result<String, Denied> {
        let Some(space) = &self.space else { return Ok(id) };
        let id = format!("{space}:{id}");
        if is_identifier(&id) { Ok(id) } else { Err(Denied::claim(name, Problem::TooLong)) }
    }

    /// Returns the time by which `nbf` and `iat` of a token may be in the future.
    ///
    /// Tokens of this server that have no generation are compared with revocations by time. They
    /// are issued on the machine that verifies them (`doorward token`), so they need no leeway.
    /// With a leeway, new tokens would be refused for that time after each revocation.
    pub(crate) fn leeway(&self, generation: Option<u64>) -> Duration {
        if self.is_own && generation.is_none() { Duration::ZERO } else { self.leeway }
    }

    /// Returns the time at which a token expires. Fails if `exp` is absent and the rule demands it, or
    /// demands an `iat` in its place.
    fn end(
        &self,
        exp: Option<SystemTime>,
        issued_at: Option<SystemTime>,
        now: SystemTime,
    ) -> Result<SystemTime, Denied> {
        let begin = match (exp, self.expiry) {
            (Some(exp), _) => return Ok(exp),
            (None, Expiry::Demanded) => return Err(Denied::claim("exp", Problem::Missing)),
            (None, Expiry::OrMaxFromIssue) => {
                issued_at.ok_or(Denied::claim("iat", Problem::Missing))?
            }
            (None, Expiry::OrMaxFromNow) => now,
        };
        begin.checked_add(self.max_lifetime).ok_or(Denied::claim("iat", Problem::OutOfRange))
    }

    fn check_issuer(&self, iss: Option<&Value>) -> Result<(), Problem> {
        let Some(issuer) = self.issuer.as_deref() else { return Ok(()) };
        match iss {
            None => Err(Problem::Missing),
            Some(Value::String(iss)) if iss == issuer => Ok(()),
            Some(Value::String(_)) => Err(Problem::Mismatch),
            Some(_) => Err(Problem::WrongType),
        }
    }
}

impl Audience {
    /// Checks the `aud` of a token. A recipient that the `aud` does not name must refuse the token
    /// (RFC 7519 section 4.1.3). If no audience is configured, a token with an `aud` is refused
    /// too.
    fn check(&self, aud: Option<&Value>) -> Result<(), Problem> {
        let (names, aud) = match (self, aud) {
            (Self::Any, _) | (Self::Unnamed, None) => return Ok(()),
            (Self::Unnamed, Some(_)) => return Err(Problem::NotAllowed),
            (Self::OneOf(_), None) => return Err(Problem::Missing),
            (Self::OneOf(names), Some(aud)) => (names, aud),
        };
        let is_met = match aud {
            Value::String(aud) => names.contains(aud),
            // A list must have strings only (RFC 7519 section 4.1.3).
            Value::Array(list) if list.iter().all(Value::is_string) => {
                list.iter().any(|aud| names.iter().any(|name| aud == name))
            }
            _ => return Err(Problem::WrongType),
        };
        if is_met { Ok(()) } else { Err(Problem::Mismatch) }
    }
}

/// Returns the user from the claim `name`. The claim is a text or a whole number, which is
/// converted to its decimal digits.
///
/// Numbers are accepted, because many databases number their users. Above 2^53 - 1, a JavaScript
/// issuer rounds numbers, so two users could get the same number (RFC 8259 section 6). Numbers such
/// as `1.0` and `1e3` are refused, because they are second spellings of `1` and `1000`. Negative
/// numbers are refused, because they often mean "no user".
fn user(claims: &Map<String, Value>, name: &'static str) -> Result<String, Denied> {
    match claims.get(name) {
        Some(Value::Number(number)) => match number.as_u64() {
            Some(id) if id <= MAX_EXACT => Ok(id.to_string()),
            None if number.is_f64() => Err(Denied::claim(name, Problem::WrongType)),
            _ => Err(Denied::claim(name, Problem::OutOfRange)),
        },
        _ => identifier(claims, name)?
            .map(str::to_owned)
            .ok_or(Denied::claim(name, Problem::Missing)),
    }
}

/// Returns the claim `name`, which must be a text of 1-255 printable characters. Returns `None` if
/// the claim is absent. Fails for any other value.
fn identifier<'a>(
    claims: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, Denied> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if is_identifier(text) => Ok(Some(text)),
        Some(Value::String(text)) if text.is_empty() => Err(Denied::claim(name, Problem::Empty)),
        Some(Value::String(_)) => Err(Denied::claim(name, Problem::Malformed)),
        Some(_) => Err(Denied::claim(name, Problem::WrongType)),
    }
}

/// Returns the claim `name`, which must be a time. Returns `None` if the claim is absent. Fails for
/// any other value.
fn time(claims: &Map<String, Value>, name: &'static str) -> Result<Option<SystemTime>, Denied> {
    let time = claims.get(name).map(date::read).transpose();
    time.map_err(|problem| Denied::claim(name, problem))
}

/// Returns the generation of the user (`gen`). Returns `None` for a token without a `gen`, which is
/// compared with revocations by its time of issue.
fn generation(claims: &Map<String, Value>) -> Result<Option<u64>, Denied> {
    let Some(value) = claims.get("gen") else { return Ok(None) };
    value.as_u64().map(Some).ok_or(Denied::claim("gen", Problem::WrongType))
}

/// Returns `true` if `to` is later than `from` by more than `limit`.
fn exceeds(limit: Duration, from: SystemTime, to: SystemTime) -> bool {
    to.duration_since(from).is_ok_and(|distance| distance > limit)
}

/// Largest integer of JavaScript that is exact, `Number.MAX_SAFE_INTEGER`. A double represents all
/// integers up to it exactly.
const MAX_EXACT: u64 = (1 << 53) - 1;

#[cfg(test)]
mod tests;
