//! Reads one key of a set (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2).
//!
//! A key gets exactly one algorithm. A key whose members contradict each other is rejected. Start
//! reading at [`read`].

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::key::{
    algorithm::{Algorithm, Curve},
    rsa_algorithm::RsaAlgorithm,
    set::problem::KeySetProblem,
    verifying::VerifyingKey,
};

type Jwk = Map<String, Value>;

/// Reads a key. If the key cannot be used, fails with the reason to skip it. `rsa` is the algorithm
/// of RSA keys without an `alg`, if one is configured.
pub(super) fn read(jwk: &Jwk, rsa: Option<RsaAlgorithm>) -> Result<VerifyingKey, KeySetProblem> {
    let kind = text(jwk, "kty")?.ok_or(KeySetProblem::Member("kty"))?;
    // Private members are checked before `use` and `alg`, because a published private key must be
    // replaced even if the key is not for signatures.
    if kind != "oct" && PRIVATE.iter().any(|name| jwk.contains_key(*name)) {
        return Err(KeySetProblem::Private);
    }
    check_use(jwk)?;
    let algorithm = match text(jwk, "alg")? {
        None => None,
        Some(name) => Some(Algorithm::from_name(name).ok_or(KeySetProblem::Unknown("alg"))?),
    };
    match kind {
        "EC" => elliptic(jwk, algorithm),
        "OKP" => edwards(jwk, algorithm),
        "RSA" => self::rsa(jwk, algorithm.or(rsa.map(Algorithm::Rsa))),
        "oct" => secret(jwk, algorithm),
        _ => Err(KeySetProblem::Unknown("kty")),
    }
}

fn elliptic(jwk: &Jwk, algorithm: Option<Algorithm>) -> Result<VerifyingKey, KeySetProblem> {
    let name = text(jwk, "crv")?.ok_or(KeySetProblem::Member("crv"))?;
    let curve = Curve::ALL.into_iter().find(|curve| curve.name == name);
    let curve = curve.ok_or(KeySetProblem::Unknown("crv"))?;
    only(curve.algorithm, algorithm)?;
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    if [x.len(), y.len()] != [curve.coordinate; 2] {
        return Err(KeySetProblem::Weak(curve.error));
    }
    let point = [&[4], &*x, &*y].concat();
    VerifyingKey::point(curve.algorithm, &point).map_err(KeySetProblem::Weak)
}

fn edwards(jwk: &Jwk, algorithm: Option<Algorithm>) -> Result<VerifyingKey, KeySetProblem> {
    if text(jwk, "crv")?.ok_or(KeySetProblem::Member("crv"))? != "Ed25519" {
        return Err(KeySetProblem::Unknown("crv"));
    }
    only(Algorithm::EdDsa, algorithm)?;
    let point = bytes(jwk, "x")?;
    VerifyingKey::point(Algorithm::EdDsa, &point).map_err(KeySetProblem::Weak)
}

/// Reads an RSA key. Fails if `algorithm` is `None`, because an RSA key fits six algorithms.
fn rsa(jwk: &Jwk, algorithm: Option<Algorithm>) -> Result<VerifyingKey, KeySetProblem> {
    let algorithm = match algorithm {
        Some(Algorithm::Rsa(algorithm)) => algorithm,
        Some(_) => return Err(KeySetProblem::AlgorithmMismatch),
        None => return Err(KeySetProblem::AlgorithmMissing),
    };
    let (modulus, exponent) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
    VerifyingKey::rsa(algorithm, &modulus, &exponent).map_err(KeySetProblem::Weak)
}

fn secret(jwk: &Jwk, algorithm: Option<Algorithm>) -> Result<VerifyingKey, KeySetProblem> {
    let algorithm = algorithm.ok_or(KeySetProblem::AlgorithmMissing)?;
    if !algorithm.is_hmac() {
        return Err(KeySetProblem::AlgorithmMismatch);
    }
    VerifyingKey::secret(algorithm, &bytes(jwk, "k")?).map_err(KeySetProblem::Weak)
}

/// Checks that the `alg` of a key, if present, is the only algorithm of its curve (RFC 7518 section
/// 3.4).
fn only(own: Algorithm, named: Option<Algorithm>) -> Result<(), KeySetProblem> {
    if named.is_none_or(|named| named == own) {
        Ok(())
    } else {
        Err(KeySetProblem::AlgorithmMismatch)
    }
}

/// Checks that the key may verify signatures (`use`, `key_ops`).
fn check_use(jwk: &Jwk) -> Result<(), KeySetProblem> {
    let is_used = text(jwk, "use")?.is_none_or(|usage| usage == "sig");
    let is_operation = match jwk.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) => operations.iter().any(|one| one == "verify"),
        Some(_) => return Err(KeySetProblem::Member("key_ops")),
    };
    if is_used && is_operation { Ok(()) } else { Err(KeySetProblem::Use) }
}

/// Returns a member that must be a string. Returns `None` if the member is absent. Fails if it has
/// another type.
fn text<'a>(jwk: &'a Jwk, name: &'static str) -> Result<Option<&'a str>, KeySetProblem> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(KeySetProblem::Member(name)),
    }
}

/// Returns the decoded bytes of a member in base64url. Fails if the member is absent or malformed.
fn bytes(jwk: &Jwk, name: &'static str) -> Result<Vec<u8>, KeySetProblem> {
    let text = text(jwk, name)?.ok_or(KeySetProblem::Member(name))?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_malformed| KeySetProblem::Member(name))
}

/// Members that only private keys and secrets have.
const PRIVATE: [&str; 9] = ["d", "dp", "dq", "k", "oth", "p", "priv", "q", "qi"];
