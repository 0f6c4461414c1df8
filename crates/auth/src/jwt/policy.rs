//! Decides which claims let somebody in.
//!
//! All rules stand in [`Policy::check`], to be read from top to bottom; it sees a token only after
//! its signature was found good. That the time is over is said last, so that a token which is told
//! so is good in everything else. Claims without a rule are kept for the application.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use doorward_core::{Problem, RefusalReason, SessionId, TokenId, UserId};
use serde_json::{Map, Value};

use super::date;
use crate::{Claims, denied::Denied, identifier::is_identifier};

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
    /// The claim that names the user.
    pub(super) user_claim: &'static str,
    /// Whether `exp` must be there; else `iat` must be, when it is not.
    pub(super) demands_exp: bool,
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
            user_claim: "sub",
            demands_exp: true,
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
    ) -> Result<Claims, Denied> {
        let subject = user(&claims, self.user_claim)?;
        let not_before = time(&claims, "nbf")?;
        let issued_at = time(&claims, "iat")?;
        let expires_at = self.end(time(&claims, "exp")?, issued_at)?;
        // A token or session that names itself in a way that cannot be written down could not be revoked.
        let token = identifier(&claims, "jti")?;
        let session = identifier(&claims, "sid")?;
        let signed_in_at = time(&claims, "auth_time")?;
        let generation = if self.is_own { generation(&claims)? } else { None };

        self.check_issuer(claims.get("iss")).map_err(|problem| Denied::claim("iss", problem))?;
        self.audience.check(claims.get("aud")).map_err(|problem| Denied::claim("aud", problem))?;
        // A sign-in of tomorrow would be fresh for ever.
        if signed_in_at.is_some_and(|at| exceeds(self.leeway, now, at)) {
            return Err(Denied::claim("auth_time", Problem::InTheFuture));
        }
        if exceeds(self.max_lifetime, issued_at.unwrap_or(now), expires_at) {
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
            all: Arc::new(claims),
        })
    }

    /// How far the clock of a token may be ahead. Our own tokens that name no generation are judged by time, and
    /// come from the machine that judges them (`doorward token`): with a leeway they would be refused for as
    /// long after a revocation.
    pub(super) fn leeway(&self, generation: Option<u64>) -> Duration {
        if self.is_own && generation.is_none() { Duration::ZERO } else { self.leeway }
    }

    /// When a token ends. One that does not say so itself ends when its longest lifetime is over, wherever and
    /// whenever it is shown.
    fn end(
        &self,
        exp: Option<SystemTime>,
        issued_at: Option<SystemTime>,
    ) -> Result<SystemTime, Denied> {
        match (exp, issued_at) {
            (Some(exp), _) => Ok(exp),
            (None, _) if self.demands_exp => Err(Denied::claim("exp", Problem::Missing)),
            (None, None) => Err(Denied::claim("iat", Problem::Missing)),
            (None, Some(issued_at)) => issued_at
                .checked_add(self.max_lifetime)
                .ok_or(Denied::claim("iat", Problem::OutOfRange)),
        }
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
    /// A recipient that does not find itself in an `aud` must refuse the token (RFC 7519 section
    /// 4.1.3); one that has no name never finds itself.
    fn check(&self, aud: Option<&Value>) -> Result<(), Problem> {
        let (name, aud) = match (self, aud) {
            (Self::Any, _) | (Self::Unnamed, None) => return Ok(()),
            (Self::Unnamed, Some(_)) => return Err(Problem::NotAllowed),
            (Self::Is(_), None) => return Err(Problem::Missing),
            (Self::Is(name), Some(aud)) => (name, aud),
        };
        let is_met = match aud {
            Value::String(aud) => aud == name,
            Value::Array(list) if list.iter().all(Value::is_string) => {
                list.iter().any(|aud| aud == name)
            }
            _ => return Err(Problem::WrongType),
        };
        if is_met { Ok(()) } else { Err(Problem::Mismatch) }
    }
}

/// Reads the claim that names the user: text, or a whole number, which is read as its digits.
///
/// Databases number their users, and issuers sign the number as it is. One above 2^53 - 1 is no exact number to
/// a JavaScript issuer, so that two users could have it (RFC 8259 section 6). `1.0` and `1e3` are other spellings
/// of a number whose name is to be one, and a negative number is what programs write for no user at all.
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

/// Reads a claim that is a name; `None` when it is absent.
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

/// Reads a claim that is a time; `None` when it is absent.
fn time(claims: &Map<String, Value>, name: &'static str) -> Result<Option<SystemTime>, Denied> {
    let time = claims.get(name).map(date::read).transpose();
    time.map_err(|problem| Denied::claim(name, problem))
}

/// Reads the generation of the user; `None` for a token that was written where nobody knew it, and that
/// is judged by the time at which it was issued.
fn generation(claims: &Map<String, Value>) -> Result<Option<u64>, Denied> {
    let Some(value) = claims.get("gen") else { return Ok(None) };
    value.as_u64().map(Some).ok_or(Denied::claim("gen", Problem::WrongType))
}

/// Whether `to` is later than `from` by more than `limit`.
fn exceeds(limit: Duration, from: SystemTime, to: SystemTime) -> bool {
    to.duration_since(from).is_ok_and(|distance| distance > limit)
}

/// The largest whole number up to which a double holds each exactly.
const MAX_EXACT: u64 = (1 << 53) - 1;

#[cfg(test)]
mod tests;
