//! Reasons why keys are skipped, and why a text is rejected as a key set.

use std::fmt;

use crate::key::error::KeyError;

/// Error returned when a key set cannot be read.
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
    /// No key of the set can be used, or the set is empty. The value lists the skipped keys with
    /// their reasons.
    #[error("the set has no key to check signatures with{}", List(.0))]
    NoKey(Box<[PassedOver]>),
    /// The text is not a JSON object with an array `keys` of objects, or an object has a duplicate
    /// member.
    #[error("the text is not a JSON Web Key Set")]
    NotJwks,
    /// The text is larger than 1 MiB.
    #[error("the set is larger than 1 MiB")]
    TooLarge,
    /// The set has more than 100 keys.
    #[error("the set has more than 100 keys")]
    TooManyKeys,
}

doorward_core::debug_as_sentence!(KeySetError);

/// Skipped key of a set, with the reason.
///
/// # Examples
/// ```
/// use doorward_auth::{KeySet, PassedOver};
///
/// fn reasons(keys: &KeySet) -> Vec<String> {
///     keys.passed_over().iter().map(PassedOver::to_string).collect()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PassedOver {
    /// Position of the key in the set, from 0.
    pub index: usize,
    /// `kid` of the key; `None` if the `kid` is absent or not a valid name.
    pub id: Option<Box<str>>,
    /// Reason why the key is skipped.
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

/// Reason why a key of a set is skipped.
///
/// # Examples
/// ```
/// use doorward_auth::KeySetProblem;
///
/// assert_eq!(KeySetProblem::Unknown("kty").to_string(), "its `kty` is not supported");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetProblem {
    /// The key has no `alg` and fits several algorithms.
    #[error(
        "it has no `alg` and could be for several algorithms: say which with `KeySet::from_jwks_for`"
    )]
    AlgorithmMissing,
    /// The `alg` of the key belongs to another kind of key or to another curve.
    #[error("its `alg` does not belong to its kind")]
    AlgorithmMismatch,
    /// The `kid` of the key is not 1-255 printable characters.
    #[error("its `kid` is not 1-255 printable characters")]
    Id,
    /// Another key has the same `kid` and `kty`, so a token that names this `kid` is ambiguous.
    #[error("another key has the same `kid` and `kty`")]
    IdTaken,
    /// A member of the key is missing or malformed. The value is the name of the member.
    #[error("its `{0}` is missing or malformed")]
    Member(&'static str),
    /// The key contains its private half, which has thus been published. The issuer must replace
    /// the key.
    #[error(
        "it contains its private key, which has been published: its issuer has to replace the key"
    )]
    Private,
    /// The key is a secret beside public keys. Every reader of the public set could sign tokens
    /// with it.
    #[error("it is a secret (`oct`) beside public keys")]
    Secret,
    /// A member of the key states a kind, a curve or an algorithm that is not supported. The value
    /// is the name of the member.
    #[error("its `{0}` is not supported")]
    Unknown(&'static str),
    /// According to its `use` or `key_ops`, the key is not for verifying signatures.
    #[error("it is not for checking signatures")]
    Use,
    /// The key is weak or malformed. The value is the reason.
    #[error(transparent)]
    Weak(KeyError),
}

impl KeySetProblem {
    /// Returns `true` for problems that do not indicate a mistake of the issuer. Many sets contain
    /// keys for encryption, or keys of unsupported kinds.
    pub(super) fn is_usual(self) -> bool {
        matches!(self, Self::Unknown(_) | Self::Use)
    }
}

/// Displays the first [`NAMED`] skipped keys.
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

/// Maximum number of keys that an error lists.
const NAMED: usize = 8;
