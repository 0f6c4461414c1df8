//! Decides which headers a token may have, before any cryptography.
//!
//! The header is written by a stranger. It may say what we know already, and nothing that would
//! change how the token is checked: no algorithm, no key, no extension. Members that mean nothing
//! here are ignored, as RFC 7515 section 4 demands.
//! Start reading at [`check`].

use doorward_core::Problem;
use serde_json::{Map, Value};

use crate::{denied::Denied, identifier::is_identifier, key::Algorithm};

/// Refuses a header that breaks a rule. `token_type` is the only type, when there is one.
pub(super) fn check(
    header: &Map<String, Value>,
    algorithm: Algorithm,
    token_type: Option<&str>,
) -> Result<(), Denied> {
    if let Some(name) = FORBIDDEN.into_iter().find(|name| header.contains_key(*name)) {
        return Err(Denied::token_header(name, Problem::NotAllowed));
    }
    // The algorithm belongs to the key (RFC 8725 section 3.1): the token may only repeat it, letter by
    // letter. `none`, and a public key used as an HMAC secret, end here.
    if !algorithm.is_named(self::algorithm(header)?) {
        return Err(Denied::token_header("alg", Problem::Mismatch));
    }
    check_type(header.get("typ"), token_type)
        .map_err(|problem| Denied::token_header("typ", problem))
}

/// Returns the name of the algorithm that the token was signed with, as it says.
pub(super) fn algorithm(header: &Map<String, Value>) -> Result<&str, Denied> {
    match header.get("alg") {
        Some(Value::String(name)) => Ok(name),
        Some(_) => Err(Denied::token_header("alg", Problem::WrongType)),
        None => Err(Denied::token_header("alg", Problem::Missing)),
    }
}

/// Returns the id of the key, if there is one. What could not be a name is refused: it would be compared, and
/// perhaps logged.
pub(super) fn key_id(header: &Map<String, Value>) -> Result<Option<&str>, Denied> {
    match header.get("kid") {
        None => Ok(None),
        Some(Value::String(kid)) if is_identifier(kid) => Ok(Some(kid)),
        Some(Value::String(_)) => Err(Denied::token_header("kid", Problem::Malformed)),
        Some(_) => Err(Denied::token_header("kid", Problem::WrongType)),
    }
}

/// Keeps other kinds of token out that the same key signs (RFC 8725 section 3.11).
fn check_type(typ: Option<&Value>, demanded: Option<&str>) -> Result<(), Problem> {
    let is_good = match (typ, demanded) {
        (None, None) => true,
        (None, Some(_)) => return Err(Problem::Missing),
        (Some(Value::String(typ)), Some(demanded)) => is_same_type(typ, demanded),
        (Some(Value::String(typ)), None) => {
            DEFAULT_TYPES.iter().any(|default| is_same_type(typ, default))
        }
        (Some(_), _) => return Err(Problem::WrongType),
    };
    if is_good { Ok(()) } else { Err(Problem::NotAllowed) }
}

/// Media types have no case, and `application/` may be left out (RFC 7515 section 4.1.9).
fn is_same_type(one: &str, other: &str) -> bool {
    subtype(one).eq_ignore_ascii_case(subtype(other))
}

fn subtype(media_type: &str) -> &str {
    match media_type.split_once('/') {
        Some((kind, subtype)) if kind.eq_ignore_ascii_case("application") => subtype,
        _ => media_type,
    }
}

/// `crit` asks for extensions, and we have none (RFC 7515 section 4.1.11); `b64` is one (RFC 7797).
/// The others bring a key along or say where to fetch one: no honest issuer needs them here, so
/// they are refused rather than ignored.
const FORBIDDEN: [&str; 6] = ["b64", "crit", "jku", "jwk", "x5c", "x5u"];

/// A plain JWT (RFC 7519 section 5.1), or an access token (RFC 9068 section 2.1).
const DEFAULT_TYPES: [&str; 2] = ["JWT", "at+jwt"];

#[cfg(test)]
mod tests;
