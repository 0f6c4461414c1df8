//! Reads the public keys that an issuer publishes (JWKS, RFC 7517).
//!
//! Each key is checked separately. A key that is weak, private, ambiguous, for encryption or of an
//! unknown kind is skipped and logged. The set is accepted if at least one key is usable, so that
//! one unsupported key does not lock out all clients (RFC 7517 section 5). The caller fetches the
//! set. Start reading at [`KeySet::from_jwks`].

mod jwk;
pub(crate) mod problem;

use std::fmt;

use doorward_core::UniqueObject;
use serde::Deserialize;
use serde_json::Value;
use tracing::{info, warn};

use crate::{
    identifier::is_identifier,
    key::{
        rsa_algorithm::RsaAlgorithm,
        set::problem::{KeySetError, KeySetProblem, PassedOver},
        verifying::VerifyingKey,
    },
};

/// Keys of an issuer. Each key has exactly one algorithm and an optional name (`kid`).
///
/// # Examples
/// ```
/// use doorward_auth::{Jwt, KeySet, KeySetError};
///
/// let jwks = r#"{"keys": [{
///     "kty": "EC", "crv": "P-256", "kid": "2026-11", "use": "sig",
///     "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
///     "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
/// }]}"#;
/// let jwt = Jwt::key_set(KeySet::from_jwks(jwks)?).bound_to("https://id.example.org", "chat");
/// # Ok::<_, KeySetError>(())
/// ```
#[derive(Clone)]
pub struct KeySet {
    /// Usable keys, at least one.
    keys: Vec<NamedKey>,
    passed_over: Box<[PassedOver]>,
}

#[derive(Clone)]
struct NamedKey {
    id: Option<Box<str>>,
    key: VerifyingKey,
}

impl KeySet {
    /// Reads a key set from its JSON form (JWKS).
    ///
    /// The algorithm of a key is its `alg`, or the algorithm of its curve. Keys that cannot be used
    /// are skipped and listed in [`passed_over`](Self::passed_over). [`KeySetProblem`] lists the
    /// reasons. Each call logs every skipped key once. The level is `info` if `use`, `key_ops`,
    /// `kty`, `crv` or `alg` of the key mark it for another purpose, and `warn` otherwise. A set
    /// has at most 1 MiB and 100 keys.
    ///
    /// # Errors
    /// [`KeySetError`] if the set cannot be used. If the issuer has published it in place of an
    /// earlier set, keep using the earlier set.
    ///
    /// # Security
    /// Secrets (`oct`) are used only if the set has no other keys. A secret beside public keys is
    /// skipped, because every reader of the public set could sign tokens with it. A public key with
    /// private members is skipped too, because its private half has been published.
    pub fn from_jwks(json: &str) -> Result<Self, KeySetError> {
        Self::read_and_log(json, None)
    }

    /// Reads a key set like [`from_jwks`](Self::from_jwks), and uses `algorithm` for RSA keys
    /// without an `alg`.
    ///
    /// An RSA key fits six algorithms, but a key of this set must have only one. Issuers such as
    /// Entra ID omit the `alg` of their keys. They publish the algorithm in their discovery
    /// document, as `id_token_signing_alg_values_supported`.
    ///
    /// # Errors
    /// Same as [`from_jwks`](Self::from_jwks).
    pub fn from_jwks_for(json: &str, algorithm: RsaAlgorithm) -> Result<Self, KeySetError> {
        Self::read_and_log(json, Some(algorithm))
    }

    /// Reads the answer of an issuer. Secrets (`oct`) are always skipped, because the answer is
    /// public. The caller logs the skipped keys.
    #[cfg(feature = "issuers")]
    pub(crate) fn published(json: &[u8], rsa: Option<RsaAlgorithm>) -> Result<Self, KeySetError> {
        Self::read(json, rsa, true)
    }

    fn read_and_log(json: &str, rsa: Option<RsaAlgorithm>) -> Result<Self, KeySetError> {
        let set = Self::read(json.as_bytes(), rsa, false)?;
        set.log_passed_over();
        Ok(set)
    }

    fn read(
        json: &[u8],
        rsa: Option<RsaAlgorithm>,
        is_published: bool,
    ) -> Result<Self, KeySetError> {
        if json.len() > MAX_BYTES {
            return Err(KeySetError::TooLarge);
        }
        let Jwks { keys: all } =
            serde_json::from_slice(json).map_err(|_syntax| KeySetError::NotJwks)?;
        if all.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        // A set with a public key, even an unusable one, counts as published.
        let is_public_set = is_published || !all.iter().all(is_secret);
        let candidates: Vec<_> =
            all.iter().map(|jwk| Candidate::read(jwk, is_public_set, rsa)).collect();
        let mut keys = Vec::new();
        let mut passed_over = Vec::new();
        for (index, candidate) in candidates.iter().enumerate() {
            let is_alone =
                candidates.iter().filter(|other| candidate.is_named_as(other)).count() <= 1;
            let id = candidate.id.clone();
            let problem = match &candidate.key {
                Ok(key) if is_alone => {
                    keys.push(NamedKey { id, key: key.clone() });
                    continue;
                }
                // Both keys are skipped. Otherwise the order of the set would decide which key is
                // used.
                Ok(_) => KeySetProblem::IdTaken,
                Err(problem) => *problem,
            };
            passed_over.push(PassedOver { index, id, problem });
        }
        // This is an error, so that the caller keeps the previous set.
        if keys.is_empty() {
            return Err(KeySetError::NoKey(passed_over.into()));
        }
        Ok(Self { keys, passed_over: passed_over.into() })
    }

    /// Logs the keys that were skipped.
    pub(crate) fn log_passed_over(&self) {
        self.passed_over.iter().for_each(log);
    }

    /// Returns the names of the usable keys.
    #[cfg(feature = "issuers")]
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().filter_map(|key| key.id.as_deref())
    }

    /// Returns the keys that were skipped, with the reason for each. The list is empty if all keys
    /// are usable.
    #[must_use]
    pub fn passed_over(&self) -> &[PassedOver] {
        &self.passed_over
    }

    /// Returns the number of usable keys, at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns the key whose `kid` is `id`. Returns `None` if the set has no such key. Without an
    /// `id`, returns the only key of the set, or `None` if the set has several keys.
    ///
    /// Keys of different types may share a `kid` (RFC 7517 section 4.5). In this case, returns the
    /// key for `algorithm`, which is the `alg` of the token. If there is none, returns the first
    /// key with the `kid`. The caller must check that the token has the algorithm of the key.
    pub(crate) fn find(&self, id: Option<&str>, algorithm: &str) -> Option<&VerifyingKey> {
        let Some(id) = id else {
            // A token without a `kid` is ambiguous if there are several keys.
            let [only] = &*self.keys else { return None };
            return Some(&only.key);
        };
        let mut named = self.keys.iter().filter(|named| named.id.as_deref() == Some(id));
        let is_meant = |named: &&NamedKey| named.key.algorithm().is_named(algorithm);
        let found = named.clone().find(is_meant).or_else(|| named.next())?;
        Some(&found.key)
    }

    /// Returns the same key as [`find`](Self::find), but only if `algorithm` is the algorithm of the
    /// key. A key of another kind is not the one that the token means, because the issuer may have
    /// replaced it under the same name.
    #[cfg(feature = "issuers")]
    pub(crate) fn find_for(&self, id: Option<&str>, algorithm: &str) -> Option<&VerifyingKey> {
        self.find(id, algorithm).filter(|key| key.algorithm().is_named(algorithm))
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.keys.iter().map(|named| (&named.id, &named.key))).finish()
    }
}

/// Key of the set that was read, and was not yet compared with the other keys of the set. `key` is
/// the reason to skip it if the key is unusable.
struct Candidate<'a> {
    id: Option<Box<str>>,
    kind: Option<&'a Value>,
    key: Result<VerifyingKey, KeySetProblem>,
}

impl<'a> Candidate<'a> {
    fn read(jwk: &'a UniqueObject, is_public_set: bool, rsa: Option<RsaAlgorithm>) -> Self {
        let (id, key) = match read_id(jwk) {
            Err(problem) => (None, Err(problem)),
            Ok(id) if is_public_set && is_secret(jwk) => (id, Err(KeySetProblem::Secret)),
            Ok(id) => (id, jwk::read(&jwk.0, rsa)),
        };
        Self { id, kind: jwk.0.get("kty"), key }
    }

    /// Returns `true` if a token that names this key could mean `other` as well. Returns `false` if
    /// the keys are of different kinds, because such keys may share a name (RFC 7517 section 4.5).
    /// Also returns `false` if `other` is for another purpose than verifying tokens.
    fn is_named_as(&self, other: &Self) -> bool {
        let is_for_others = matches!(other.key, Err(problem) if problem.is_usual());
        self.id.is_some() && self.id == other.id && self.kind == other.kind && !is_for_others
    }
}

fn is_secret(jwk: &UniqueObject) -> bool {
    jwk.0.get("kty").is_some_and(|kty| kty == "oct")
}

/// Returns the name (`kid`) of a key. Returns `None` if the key has no `kid`. Fails if the `kid` is
/// not a text of 1-255 printable characters.
fn read_id(jwk: &UniqueObject) -> Result<Option<Box<str>>, KeySetProblem> {
    match jwk.0.get("kid") {
        None => Ok(None),
        Some(Value::String(id)) if is_identifier(id) => Ok(Some(id.as_str().into())),
        Some(_) => Err(KeySetProblem::Id),
    }
}

/// JSON form of a key set. Members other than `keys` are ignored (RFC 7517 section 5).
#[derive(Deserialize)]
struct Jwks {
    keys: Vec<UniqueObject>,
}

/// Logs a skipped key for the operator. The name of the key is safe to log, because it has at most
/// 255 characters, all of them printable.
fn log(key: &PassedOver) {
    let PassedOver { index, id, problem } = key;
    if problem.is_usual() {
        info!(index, kid = ?id, %problem, "A key of the set is not used.");
    } else {
        warn!(index, kid = ?id, %problem, "A key of the set is not used.");
    }
}

const MAX_BYTES: usize = 1024 * 1024;
const MAX_KEYS: usize = 100;

#[cfg(test)]
mod tests;
