//! The public keys that somebody else has published (JWKS, RFC 7517).
//!
//! A set is taken as a whole or not at all: one key that is weak, private or ambiguous makes the
//! operator look. Keys that were not made for signatures, or that are of a kind not known here, say so
//! themselves and are passed over. Nothing is fetched.
//! Start reading at [`KeySet::from_jwks`].

use std::{collections::HashSet, fmt};

use doorward_core::UniqueObject;
use serde::Deserialize;
use serde_json::Value;

use crate::{KeyError, identifier::is_identifier, key::VerifyingKey};

mod jwk;

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
    keys: Vec<NamedKey>,
}

#[derive(Clone)]
struct NamedKey {
    id: Option<Box<str>>,
    key: VerifyingKey,
}

impl KeySet {
    /// Reads a set.
    ///
    /// Each key has one algorithm: its `alg`, or the one that belongs to its curve. A key is passed over
    /// when its `use` is not `sig`, when its `key_ops` leave `verify` out, or when its `kty`, `crv` or
    /// `alg` is none that is known here. At most 1 MiB and 100 keys.
    ///
    /// # Errors
    /// The mistake of whoever wrote the set; see [`KeySetError`]. Keep the set you had.
    ///
    /// # Security
    /// Secrets (`oct`) may make a set of their own, and are never mixed with public keys: who can read
    /// the public ones could then make tokens. Private members of a public key are refused, for
    /// somebody has published what they should have kept.
    pub fn from_jwks(json: &str) -> Result<Self, KeySetError> {
        if json.len() > MAX_BYTES {
            return Err(KeySetError::TooLarge);
        }
        let Jwks { keys: all } =
            serde_json::from_str(json).map_err(|_syntax| KeySetError::NotJwks)?;
        if all.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        let is_secret = |jwk: &UniqueObject| jwk.0.get("kty").is_some_and(|kty| kty == "oct");
        if all.iter().any(is_secret) && !all.iter().all(is_secret) {
            return Err(KeySetError::Mixed);
        }
        let mut ids = HashSet::new();
        let mut keys = Vec::new();
        for (index, jwk) in all.iter().enumerate() {
            let wrong = |problem, id| KeySetError::Key { index, id, problem };
            let id = read_id(jwk).map_err(|problem| wrong(problem, None))?;
            if id.as_ref().is_some_and(|id| !ids.insert(id.clone())) {
                return Err(wrong(KeySetProblem::IdTaken, id));
            }
            match jwk::read(&jwk.0) {
                Ok(Some(key)) => keys.push(NamedKey { id, key }),
                Ok(None) => {}
                Err(problem) => return Err(wrong(problem, id)),
            }
        }
        if keys.is_empty() { Err(KeySetError::NoKey) } else { Ok(Self { keys }) }
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

/// Why a text is no set of keys to be trusted.
///
/// # Examples
/// ```
/// use doorward_auth::{KeySet, KeySetError};
///
/// let rsa = r#"{"keys": [{"kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB"}]}"#;
/// let error = KeySet::from_jwks(rsa).unwrap_err();
/// assert_eq!(error.to_string(), r#"key 0 ("a") of the set cannot be used"#);
///
/// assert_eq!(KeySet::from_jwks("<html>").unwrap_err(), KeySetError::NotJwks);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// One of the keys cannot be used.
    #[error("key {index}{} of the set cannot be used", name(.id))]
    Key {
        /// Which one, from 0.
        index: usize,
        /// Its `kid`.
        id: Option<Box<str>>,
        /// What is wrong with it.
        #[source]
        problem: KeySetProblem,
    },
    /// It has secrets and public keys.
    #[error("the set has secrets beside public keys")]
    Mixed,
    /// No key of it is for signatures, of a kind that is known.
    #[error("the set has no key to check signatures with")]
    NoKey,
    /// It is no JSON object with an array `keys` of objects, or an object names a member twice.
    #[error("the text is not a JSON Web Key Set")]
    NotJwks,
    /// It is larger than 1 MiB.
    #[error("the set is larger than 1 MiB")]
    TooLarge,
    /// It has more than 100 keys.
    #[error("the set has more than 100 keys")]
    TooManyKeys,
}

/// What is wrong with one key of a set.
///
/// # Examples
/// ```
/// use doorward_auth::KeySetProblem;
///
/// assert_eq!(KeySetProblem::Private.to_string(), "it holds a private key");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetProblem {
    /// It does not say for which algorithm it is (`alg`), and could be for several. Write it in.
    #[error("it has no `alg` and could be for several algorithms")]
    AlgorithmMissing,
    /// Its `alg` belongs to another kind of key or to another curve.
    #[error("its `alg` does not belong to its kind")]
    AlgorithmMismatch,
    /// Its `kid` is not 1-255 printable characters.
    #[error("its `kid` is not 1-255 printable characters")]
    Id,
    /// Another key has the same `kid`.
    #[error("another key has the same `kid`")]
    IdTaken,
    /// A member that it needs is missing, or not what it must be.
    #[error("a member is missing or malformed")]
    Member,
    /// It holds the private key: make a new one, for this one has been published.
    #[error("it holds a private key")]
    Private,
    /// It is too weak, or none.
    #[error("it is no good key")]
    Weak(#[source] KeyError),
}

fn name(id: &Option<Box<str>>) -> String {
    id.as_deref().map(|id| format!(" ({id:?})")).unwrap_or_default()
}

const MAX_BYTES: usize = 1024 * 1024;
const MAX_KEYS: usize = 100;

#[cfg(test)]
mod tests;
