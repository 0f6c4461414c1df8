//! Checks the header of a token before its signature is verified.
//!
//! The header is untrusted. It may repeat the configured algorithm and name a configured key, but
//! it must not bring its own algorithm, key or extension. Unknown members are ignored, as RFC 7515
//! section 4 requires. Start reading at [`check`].

use doorward_core::Problem;
use serde_json::{Map, Value};

use crate::{credential::denied::Denied, identifier::is_identifier, key::algorithm::Algorithm};

/// Checks the header of a token. `algorithm` is the algorithm of the key, and is the only accepted
/// `alg`. If `token_type` is `Some`, it is the only accepted `typ`.
pub(super) fn check(
    header: &Map<String, Value>,
    algorithm: Algorithm,
    token_type: Option<&str>,
) -> Result<(), Denied> {
    // This check is first, so that the audit record names an attempt to bring a key along.
    if let Some(name) = FORBIDDEN.into_iter().find(|name| header.contains_key(*name)) {
        return Err(Denied::token_header(name, Problem::NotAllowed));
    }
    // The algorithm belongs to the key (RFC 8725 section 3.1), and the token may only repeat it.
    // This check rejects `none`, and HMAC tokens whose secret is a public key.
    if !algorithm.is_named(self::algorithm(header)?) {
        return Err(Denied::token_header("alg", Problem::Mismatch));
    }
    check_type(header.get("typ"), token_type)
        .map_err(|problem| Denied::token_header("typ", problem))
}

/// Returns the `alg` of the header. Fails if it is absent or not a string.
pub(super) fn algorithm(header: &Map<String, Value>) -> Result<&str, Denied> {
    match header.get("alg") {
        Some(Value::String(name)) => Ok(name),
        Some(_) => Err(Denied::token_header("alg", Problem::WrongType)),
        None => Err(Denied::token_header("alg", Problem::Missing)),
    }
}

/// Returns the `kid` of the header, or `None` if it is absent. Fails if the `kid` is not a text of
/// 1-255 printable characters, because it may be logged.
pub(super) fn key_id(header: &Map<String, Value>) -> Result<Option<&str>, Denied> {
    match header.get("kid") {
        None => Ok(None),
        Some(Value::String(kid)) if is_identifier(kid) => Ok(Some(kid)),
        Some(Value::String(_)) => Err(Denied::token_header("kid", Problem::Malformed)),
        Some(_) => Err(Denied::token_header("kid", Problem::WrongType)),
    }
}

/// Checks that the `typ` is `demanded`. If `demanded` is `None`, the `typ` may be absent or one of
/// [`DEFAULT_TYPES`]. Other types belong to other kinds of token that the same key may sign (RFC
/// 8725 section 3.11).
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

/// Returns `true` if two media types are equal. Case and a leading `application/` are ignored (RFC
/// 7515 section 4.1.9).
fn is_same_type(one: &str, other: &str) -> bool {
    subtype(one).eq_ignore_ascii_case(subtype(other))
}

fn subtype(media_type: &str) -> &str {
    match media_type.split_once('/') {
        Some((kind, subtype)) if kind.eq_ignore_ascii_case("application") => subtype,
        _ => media_type,
    }
}

/// Members that are refused. `crit` requires extensions (RFC 7515 section 4.1.11) and `b64` is such
/// an extension (RFC 7797), but no extension is supported. The other members contain a key or its
/// address. No honest issuer needs these members, so they are refused and not ignored.
const FORBIDDEN: [&str; 6] = ["b64", "crit", "jku", "jwk", "x5c", "x5u"];

/// Types of a plain JWT (RFC 7519 section 5.1) and of an access token (RFC 9068 section 2.1).
const DEFAULT_TYPES: [&str; 2] = ["JWT", "at+jwt"];

#[cfg(test)]
mod tests;
