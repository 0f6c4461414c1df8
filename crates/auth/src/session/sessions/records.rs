//! Decides if a stored record is an active session.

use std::{sync::Arc, time::SystemTime};

use doorward_core::{CredentialRef, Issued, RevocationStore, Session, SessionStore};

use crate::session::sessions::error::VerifySessionError;

/// Session store, and store of the revocation state.
pub(super) struct Records {
    pub(super) store: Arc<dyn SessionStore>,
    pub(super) revocations: Arc<dyn RevocationStore>,
}

impl Records {
    /// Returns the session `found` if it is active at `now`. `None` means that the store has no
    /// such session, and fails with [`VerifySessionError::Unknown`].
    ///
    /// A store that keeps both sessions and revocations removes a session when it is revoked. If
    /// the two stores are separate, or if a session was created during a revocation of its user,
    /// only the comparison with the revocation state detects the revocation.
    pub(super) async fn check(
        &self,
        found: Option<Session>,
        now: SystemTime,
    ) -> Result<Session, VerifySessionError> {
        let session = found.ok_or(VerifySessionError::Unknown)?;
        if session.is_over(now) {
            return Err(VerifySessionError::Expired);
        }
        let epoch = self.revocations.read(&session.user, Some(&session.id), None).await?;
        if !standing(&session).holds(&epoch) {
            return Err(VerifySessionError::Revoked);
        }
        Ok(session)
    }
}

/// Returns the part of a session that is compared with the revocation state.
pub(super) fn standing(session: &Session) -> CredentialRef<'_> {
    CredentialRef {
        user: &session.user,
        session: Some(&session.id),
        token: None,
        issued: Issued::Generation(session.generation),
    }
}
