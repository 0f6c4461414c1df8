//! What can be wrong with a session, and what its client is told.

use doorward_core::{AuthenticateError, BoxError, Refusal, RefusalReason, StoreError};

/// Why a session is not known to live.
///
/// # Examples
/// ```
/// use doorward_auth::VerifySessionError;
///
/// assert_eq!(VerifySessionError::Expired.to_string(), "the session is over");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifySessionError {
    /// It is over its time: its client was idle for too long, or its longest life has passed.
    #[error("the session is over")]
    Expired,
    /// Its user was revoked after it was made, or it was ended.
    #[error("the session was revoked")]
    Revoked,
    /// Nothing answered, so nothing was decided: try again.
    #[error("the session cannot be looked up now")]
    Unavailable(#[source] BoxError),
    /// There is none, or none any more.
    #[error("no such session")]
    Unknown,
}

impl From<StoreError> for VerifySessionError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

/// Who shows a session that has ended is told so: only its owner can show it. Everything else reads
/// the same.
impl From<VerifySessionError> for AuthenticateError {
    fn from(error: VerifySessionError) -> Self {
        match error {
            VerifySessionError::Expired => Refusal::session_expired().into(),
            VerifySessionError::Revoked => {
                Refusal::session_expired().because(RefusalReason::Revoked).into()
            }
            VerifySessionError::Unavailable(cause) => Self::Unavailable(cause),
            VerifySessionError::Unknown => {
                Refusal::unauthenticated(RefusalReason::SessionUnknown).into()
            }
        }
    }
}
