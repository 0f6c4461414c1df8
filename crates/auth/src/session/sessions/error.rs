//! Error returned when a session is looked up, and its conversion into a refusal.

use doorward_core::{AuthenticateError, BoxError, Refusal, RefusalReason, StoreError};

/// Reason why no active session was found.
///
/// # Examples
/// ```
/// use doorward_auth::VerifySessionError;
///
/// assert_eq!(VerifySessionError::Expired.to_string(), "the session has expired");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifySessionError {
    /// The session has expired, because its client was idle for too long or its lifetime has
    /// passed.
    #[error("the session has expired")]
    Expired,
    /// The session was ended, or its user was revoked after the session was created. The session
    /// store still has the session.
    #[error("the session was revoked")]
    Revoked,
    /// The session store or the revocation store did not answer, so nothing was decided. Retry.
    #[error("the session store did not answer")]
    Unavailable(#[source] BoxError),
    /// The store has no such session. It never existed, or was removed when it ended.
    #[error("no such session")]
    Unknown,
}

impl From<StoreError> for VerifySessionError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

/// Tells the client that its session has ended if the session is expired or revoked, because only
/// the owner of a session has its token. For an unknown session, the client receives the same
/// answer as for any other bad credential.
impl From<VerifySessionError> for AuthenticateError {
    fn from(error: VerifySessionError) -> Self {
        let refusal = match error {
            VerifySessionError::Expired => Refusal::session_expired(),
            VerifySessionError::Revoked => {
                Refusal::session_expired().because(RefusalReason::Revoked)
            }
            VerifySessionError::Unavailable(cause) => return Self::Unavailable(cause),
            VerifySessionError::Unknown => Refusal::unauthenticated(RefusalReason::SessionUnknown),
        };
        refusal.into()
    }
}
