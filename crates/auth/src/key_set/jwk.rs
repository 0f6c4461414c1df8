//! Reads one key of a set (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2).
//!
//! A key ends up with exactly one algorithm. What it says of itself must fit together: nothing is
//! guessed, and nothing that contradicts itself is taken.
//! Start reading at [`read`].

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::KeySetProblem;
use crate::key::{Algorithm, Curve, VerifyingKey};

type Jwk = Map<String, Value>;

/// Reads a key; `None` when it is none for signatures, or of a kind that is not known.
pub(super) fn read(jwk: &Jwk) -> Result<Option<VerifyingKey>, KeySetProblem> {
    let kind = text(jwk, "kty")?.ok_or(KeySetProblem::Member)?;
    if kind != "oct" && PRIVATE.iter().any(|name| jwk.contains_key(*name)) {
        return Err(KeySetProblem::Private);
    }
    if !is_for_verifying(jwk)? {
        return Ok(None);
    }
    let algorithm = match text(jwk, "alg")? {
        None => None,
        Some(name) => match Algorithm::from_name(name) {
            Some(algorithm) => Some(algorithm),
            None => return Ok(None),
        },
    };
    match kind {
        "EC" => elliptic(jwk, algorithm),
        "OKP" => edwards(jwk, algorithm),
        "RSA" => rsa(jwk, algorithm).map(Some),
        "oct" => secret(jwk, algorithm).map(Some),
        _ => Ok(None),
    }
}

fn elliptic(
    jwk: &Jwk,
    algorithm: Option<Algorithm>,
) -> Result<Option<VerifyingKey>, KeySetProblem> {
    let name = text(jwk, "crv")?.ok_or(KeySetProblem::Member)?;
    let Some(curve) = Curve::ALL.into_iter().find(|curve| curve.name == name) else {
        return Ok(None);
    };
    only(curve.algorithm, algorithm)?;
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    if [x.len(), y.len()] != [curve.coordinate; 2] {
        return Err(KeySetProblem::Weak(curve.error));
    }
    let point = [&[4], &*x, &*y].concat();
    VerifyingKey::point(curve.algorithm, &point).map(Some).map_err(KeySetProblem::Weak)
}

fn edwards(jwk: &Jwk, algorithm: Option<Algorithm>) -> Result<Option<VerifyingKey>, KeySetProblem> {
    if text(jwk, "crv")?.ok_or(KeySetProblem::Member)? != "Ed25519" {
        return Ok(None);
    }
    only(Algorithm::EdDsa, algorithm)?;
    let point = bytes(jwk, "x")?;
    VerifyingKey::point(Algorithm::EdDsa, &point).map(Some).map_err(KeySetProblem::Weak)
}

/// One RSA key could make signatures of six kinds, so it has to say which.
fn rsa(jwk: &Jwk, algorithm: Option<Algorithm>) -> Result<VerifyingKey, KeySetProblem> {
    let algorithm = algorithm.ok_or(KeySetProblem::AlgorithmMissing)?;
    if !algorithm.is_rsa() {
        return Err(KeySetProblem::AlgorithmMismatch);
    }
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

/// A curve has one algorithm (RFC 7518 section 3.4), which the key may repeat.
fn only(own: Algorithm, named: Option<Algorithm>) -> Result<(), KeySetProblem> {
    if named.is_none_or(|named| named == own) {
        Ok(())
    } else {
        Err(KeySetProblem::AlgorithmMismatch)
    }
}

/// Whether the key may be used for what it would be used for here.
fn is_for_verifying(jwk: &Jwk) -> Result<bool, KeySetProblem> {
    let is_used = text(jwk, "use")?.is_none_or(|usage| usage == "sig");
    let is_operation = match jwk.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) => operations.iter().any(|one| one == "verify"),
        Some(_) => return Err(KeySetProblem::Member),
    };
    Ok(is_used && is_operation)
}

/// Reads a member that is text; `None` when it is absent.
fn text<'a>(jwk: &'a Jwk, name: &str) -> Result<Option<&'a str>, KeySetProblem> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(KeySetProblem::Member),
    }
}

/// Reads a member that is base64url.
fn bytes(jwk: &Jwk, name: &str) -> Result<Vec<u8>, KeySetProblem> {
    let text = text(jwk, name)?.ok_or(KeySetProblem::Member)?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_malformed| KeySetProblem::Member)
}

/// The private members of RSA, EC and OKP keys, and the value of a secret.
const PRIVATE: [&str; 9] = ["d", "dp", "dq", "k", "oth", "p", "priv", "q", "qi"];
