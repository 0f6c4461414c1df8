//! Error that occurs while a key ring is read.

use crate::key::error::KeyError;

/// Error returned when a key ring cannot be read.
///
/// # Examples
/// ```
/// use doorward_auth::{KeyRing, KeyRingError};
///
/// assert_eq!(KeyRing::from_pem("").err(), Some(KeyRingError::Shape));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRingError {
    /// A key of the ring cannot be used. The value is the reason.
    #[error("a key of the ring cannot be used")]
    Key(#[from] KeyError),
    /// The text does not have the form of a ring. It must begin with one PEM block `PRIVATE KEY`.
    /// For each old key, a line `Trusted-Until:` with whole seconds since 1970 and a block `PUBLIC
    /// KEY` follow.
    #[error("the text is not a private key, optionally followed by public keys with their end")]
    Shape,
    /// A key occurs twice in the text.
    #[error("a key occurs twice in the ring")]
    Twice,
}

doorward_core::debug_as_sentence!(KeyRingError);
