//! Why keys are passed over, and why a text is no set.

use std::fmt;

use crate::KeyError;

/// Why a text is no set of keys to be trusted.
///
/// # Examples
/// ```
/// use doorward_auth::{KeySet, KeySetError};
///
/// let rsa = r#"{"keys": [{"kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB"}]}"#;
/// let error = KeySet::from_jwks(rsa).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the set has no key to check signatures with: key 0 (\"a\"): it has no `alg` and could be for several \
///      algorithms: say which with `KeySet::from_jwks_for`",
/// );
///
/// assert_eq!(KeySet::from_jwks("<html>").unwrap_err(), KeySetError::NotJwks);
/// ```
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// No key of it can be used; it may have none at all.
    #[error("the set has no key to check signatures with{}", List(.0))]
    NoKey(Box<[PassedOver]>),
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

doorward_core::debug_as_sentence!(KeySetError);

/// A key of a set that is not used, and why.
///
/// # Examples
/// ```
/// use doorward_auth::{KeySet, PassedOver};
///
/// fn reasons(keys: &KeySet) -> Vec<String> {
///     keys.passed_over().iter().map(PassedOver::to_string).collect()
/// }
/// # drop(reasons);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PassedOver {
    /// Which one of the set, from 0.
    pub index: usize,
    /// Its `kid`, when that is a name.
    pub id: Option<Box<str>>,
    /// What is wrong with it.
    pub problem: KeySetProblem,
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, id, problem } = self;
        match id {
            Some(id) => write!(f, "key {index} ({id:?}): {problem}"),
            None => write!(f, "key {index}: {problem}"),
        }
    }
}

/// What is wrong with one key of a set.
///
/// # Examples
/// ```
/// use doorward_auth::KeySetProblem;
///
/// assert_eq!(KeySetProblem::Unknown("kty").to_string(), "its `kty` is none that is known here");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetProblem {
    /// It does not say for which algorithm it is (`alg`), and could be for several.
    #[error(
        "it has no `alg` and could be for several algorithms: say which with `KeySet::from_jwks_for`"
    )]
    AlgorithmMissing,
    /// Its `alg` belongs to another kind of key or to another curve.
    #[error("its `alg` does not belong to its kind")]
    AlgorithmMismatch,
    /// Its `kid` is not 1-255 printable characters.
    #[error("its `kid` is not 1-255 printable characters")]
    Id,
    /// Another key has the same `kid` and the same `kty`, so that a token that names it is ambiguous.
    #[error("another key has the same `kid` and `kty`")]
    IdTaken,
    /// This member is missing, or not what it must be.
    #[error("its `{0}` is missing or malformed")]
    Member(&'static str),
    /// It holds the private key: make a new one, for this one has been published.
    #[error(
        "it holds a private key, which has been published with it: its issuer has to make another one"
    )]
    Private,
    /// It is a secret beside public keys: who can read these could make tokens with it.
    #[error("it is a secret (`oct`) beside public keys")]
    Secret,
    /// This member says that it is of a kind that is not known here, such as another curve.
    #[error("its `{0}` is none that is known here")]
    Unknown(&'static str),
    /// It is not for checking signatures: see its `use` and `key_ops`.
    #[error("it is not for checking signatures")]
    Use,
    /// It is too weak, or none.
    #[error(transparent)]
    Weak(KeyError),
}

impl KeySetProblem {
    /// Whether the set is as it should be all the same: many have keys for encryption, or of another kind.
    pub(super) fn is_usual(self) -> bool {
        matches!(self, Self::Unknown(_) | Self::Use)
    }
}

/// Names the first keys that were passed over.
struct List<'a>(&'a [PassedOver]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, key) in self.0.iter().take(NAMED).enumerate() {
            write!(f, "{}{key}", if index == 0 { ": " } else { "; " })?;
        }
        match self.0.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

/// How many keys an error names.
const NAMED: usize = 8;
