//! Reads the issuer of a token that is not verified, only to choose an authenticator.

use serde_json::Value;

use crate::{
    credential::denied::Denied,
    jwt::{object, parts},
};

/// Claim `iss` of a token that is not verified.
pub(crate) enum Issuer {
    Missing,
    Named(String),
    /// The claim is not a text.
    NoText,
}

/// Returns the claim `iss` of a token. Fails if the token is too large or cannot be decoded.
pub(crate) fn issuer_of(token: &str) -> Result<Issuer, Denied> {
    let parts = parts::split(token)?;
    let mut claims = object::decode(parts.claims).ok_or(Denied::segment("claims"))?;
    Ok(match claims.remove("iss") {
        None => Issuer::Missing,
        Some(Value::String(name)) => Issuer::Named(name),
        Some(_) => Issuer::NoText,
    })
}
