//! Revocation, seen from admission: has anything ended since?
//!
//! Whoever revokes moves the user's epoch forward. Admission reads it, registers the socket where a
//! revocation will find it, and reads it again: a revocation in between is seen by one of the two.

use crate::{BoxError, BoxFuture, SessionId, TokenId, UserId};

/// How often access of a user was ended; compared for equality only.
///
/// # Examples
/// ```
/// assert_ne!(doorward_core::Epoch(1), doorward_core::Epoch(2));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Epoch(pub u64);

/// Tells the current epoch of a credential's owner.
///
/// # Examples
/// ```
/// use doorward_core::{Epochs, NoEpochs};
///
/// fn take(_: impl Epochs) {}
/// take(NoEpochs);
/// ```
pub trait Epochs: Send + Sync + 'static {
    /// Reads the epoch that covers this user, session and token.
    ///
    /// # Errors
    /// - [`EpochError::Revoked`]: the credential is dead.
    /// - [`EpochError::Unavailable`]: the store did not answer; nothing is decided.
    ///
    /// # Cancel safety
    /// Reading changes nothing.
    fn read<'a>(
        &'a self,
        user: &'a UserId,
        session: Option<&'a SessionId>,
        token: Option<&'a TokenId>,
    ) -> BoxFuture<'a, Result<Epoch, EpochError>>;
}

/// Why there is no epoch to go by.
///
/// # Examples
/// ```
/// assert_eq!(doorward_core::EpochError::Revoked.to_string(), "the credential was revoked");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EpochError {
    /// The credential was revoked.
    #[error("the credential was revoked")]
    Revoked,
    /// The store did not answer.
    #[error("the epoch cannot be read now")]
    Unavailable(#[source] BoxError),
}

/// Nothing is ever revoked: the default until a store is plugged in.
///
/// # Examples
/// ```
/// assert_eq!(format!("{:?}", doorward_core::NoEpochs), "NoEpochs");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEpochs;

impl Epochs for NoEpochs {
    fn read<'a>(
        &'a self,
        _: &'a UserId,
        _: Option<&'a SessionId>,
        _: Option<&'a TokenId>,
    ) -> BoxFuture<'a, Result<Epoch, EpochError>> {
        Box::pin(async { Ok(Epoch::default()) })
    }
}
