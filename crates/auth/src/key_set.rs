//! The public keys that somebody else has published (JWKS, RFC 7517).
//!
//! Each key is judged by itself. One that is weak, private, ambiguous, for encryption or of a kind not known here is
//! passed over and named in the log, and the set stands as long as one key can be used: issuers add keys, and a
//! client must not be locked out because of one that it does not need (RFC 7517 section 5). Nothing is fetched.
//! Start reading at [`KeySet::from_jwks`].

use std::fmt;

use doorward_core::UniqueObject;
use serde::Deserialize;
use serde_json::Value;
use tracing::{info, warn};

pub use self::{
    problem::{KeySetError, KeySetProblem, PassedOver},
    rsa_algorithm::RsaAlgorithm,
};
use crate::{identifier::is_identifier, key::VerifyingKey};

mod jwk;
mod problem;
mod rsa_algorithm;

/// The keys of an issuer, each with its one algorithm and perhaps its name (`kid`).
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
/// let jwt = Jwt::keys(KeySet::from_jwks(jwks)?).bound_to("https://id.example.org", "chat");
/// # drop(jwt);
/// # Ok::<_, KeySetError>(())
/// ```
#[derive(Clone)]
pub struct KeySet {
    /// At least one.
    keys: Vec<NamedKey>,
    passed_over: Box<[PassedOver]>,
}

#[derive(Clone)]
struct NamedKey {
    id: Option<Box<str>>,
    key: VerifyingKey,
}

impl KeySet {
    /// Reads a set.
    ///
    /// Each key has one algorithm: its `alg`, or the one that belongs to its curve. A key that cannot be used is
    /// passed over: see [`KeySetProblem`], and [`passed_over`](Self::passed_over). The log names it, at level `info`
    /// when its `use`, `key_ops`, `kty`, `crv` or `alg` says that it is for others, and else at level `warn`, once
    /// each time a set is read. At most 1 MiB and 100 keys.
    ///
    /// # Errors
    /// The mistake of whoever wrote the set; see [`KeySetError`]. Keep the set you had.
    ///
    /// # Security
    /// Secrets (`oct`) may make a set of their own, and are passed over beside a public key: who can read
    /// the public ones could then make tokens. So is a public key with private members, for it has been
    /// published with what should have been kept.
    pub fn from_jwks(json: &str) -> Result<Self, KeySetError> {
        Self::read(json, None)
    }

    /// Reads a set as [`from_jwks`](Self::from_jwks) does; its RSA keys without an `alg` are for `algorithm`.
    ///
    /// One RSA key could make signatures of six kinds, and each key has one here. Issuers such as Entra ID leave
    /// the `alg` of their keys out and name the algorithm in their discovery document, as
    /// `id_token_signing_alg_values_supported`.
    ///
    /// # Errors
    /// As [`from_jwks`](Self::from_jwks).
    pub fn from_jwks_for(json: &str, algorithm: RsaAlgorithm) -> Result<Self, KeySetError> {
        Self::read(json, Some(algorithm))
    }

    fn read(json: &str, rsa: Option<RsaAlgorithm>) -> Result<Self, KeySetError> {
        if json.len() > MAX_BYTES {
            return Err(KeySetError::TooLarge);
        }
        let Jwks { keys: all } =
            serde_json::from_str(json).map_err(|_syntax| KeySetError::NotJwks)?;
        if all.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        let is_public_set = !all.iter().all(is_secret);
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
                Ok(_) => KeySetProblem::IdTaken,
                Err(problem) => *problem,
            };
            passed_over.push(PassedOver { index, id, problem });
        }
        if keys.is_empty() {
            return Err(KeySetError::NoKey(passed_over.into()));
        }
        passed_over.iter().for_each(log);
        Ok(Self { keys, passed_over: passed_over.into() })
    }

    /// The keys of the set that are not used.
    #[must_use]
    pub fn passed_over(&self) -> &[PassedOver] {
        &self.passed_over
    }

    /// Returns how many keys there are to check signatures with; at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Finds the key of this name; without a name, the only one there is.
    ///
    /// Keys of two kinds may share a name (RFC 7517 section 4.5), and the algorithm that a token says chooses
    /// among them. It still has to be the one algorithm of the key.
    pub(crate) fn find(&self, id: Option<&str>, algorithm: &str) -> Option<&VerifyingKey> {
        let Some(id) = id else {
            let [only] = &*self.keys else { return None };
            return Some(&only.key);
        };
        let mut named = self.keys.iter().filter(|named| named.id.as_deref() == Some(id));
        let is_meant = |named: &&NamedKey| named.key.algorithm().is_named(algorithm);
        let found = named.clone().find(is_meant).or_else(|| named.next())?;
        Some(&found.key)
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.keys.iter().map(|named| (&named.id, &named.key))).finish()
    }
}

/// A key that was read by itself, and not yet compared with the others.
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

    /// Whether a token that names this key could mean the other one: keys of different kinds may share a name
    /// (RFC 7517 section 4.5), and those for others mean none of our tokens.
    fn is_named_as(&self, other: &Self) -> bool {
        let is_for_others = matches!(other.key, Err(problem) if problem.is_usual());
        self.id.is_some() && self.id == other.id && self.kind == other.kind && !is_for_others
    }
}

fn is_secret(jwk: &UniqueObject) -> bool {
    jwk.0.get("kty").is_some_and(|kty| kty == "oct")
}

/// Reads the name of a key.
fn read_id(jwk: &UniqueObject) -> Result<Option<Box<str>>, KeySetProblem> {
    match jwk.0.get("kid") {
        None => Ok(None),
        Some(Value::String(id)) if is_identifier(id) => Ok(Some(id.as_str().into())),
        Some(_) => Err(KeySetProblem::Id),
    }
}

/// Other members of a set mean nothing (RFC 7517 section 5).
#[derive(Deserialize)]
struct Jwks {
    keys: Vec<UniqueObject>,
}

/// Tells the operator which key is not used. Its name has at most 255 characters, all of them printable.
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
