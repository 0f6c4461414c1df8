//! Decides which headers a token may have, before any cryptography.
//!
//! The header is written by a stranger. It may say what we know already, and nothing that would
//! change how the token is checked: no algorithm, no key, no extension. Members that mean nothing
//! here are ignored, as RFC 7515 section 4 demands.
//! Start reading at [`is_allowed`].

use serde_json::{Map, Value};

use crate::identifier::is_identifier;

/// Returns whether the header breaks no rule. `token_type` is the only type, when there is one.
pub(super) fn is_allowed(
    header: &Map<String, Value>,
    algorithm: &str,
    token_type: Option<&str>,
) -> bool {
    has_algorithm(header, algorithm)
        && !FORBIDDEN.iter().any(|name| header.contains_key(*name))
        && has_type(header, token_type)
}

/// Returns the id of the key, if there is one; `None` when it is none that could be a name: it would be
/// compared, and perhaps logged.
pub(super) fn key_id(header: &Map<String, Value>) -> Option<Option<&str>> {
    match header.get("kid") {
        None => Some(None),
        Some(Value::String(kid)) if is_identifier(kid) => Some(Some(kid)),
        Some(_) => None,
    }
}

/// The algorithm belongs to the key (RFC 8725 section 3.1): the token may only repeat it, letter by
/// letter. `none`, and a public key used as an HMAC secret, end here.
fn has_algorithm(header: &Map<String, Value>, algorithm: &str) -> bool {
    header.get("alg").and_then(Value::as_str) == Some(algorithm)
}

/// Keeps other kinds of token out that the same key signs (RFC 8725 section 3.11).
fn has_type(header: &Map<String, Value>, demanded: Option<&str>) -> bool {
    match (header.get("typ"), demanded) {
        (None, demanded) => demanded.is_none(),
        (Some(Value::String(typ)), Some(demanded)) => is_same_type(typ, demanded),
        (Some(Value::String(typ)), None) => {
            DEFAULT_TYPES.iter().any(|default| is_same_type(typ, default))
        }
        (Some(_), _) => false,
    }
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
