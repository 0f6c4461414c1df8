//! Decides whether a record, as it was found, is that of a session that lives.

use std::{sync::Arc, time::SystemTime};

use doorward_core::{Epochs, Session, SessionStore};

use super::{VerifySessionError, standing};

/// Where sessions and revocations are kept.
pub(super) struct Records {
    pub(super) store: Arc<dyn SessionStore>,
    pub(super) epochs: Arc<dyn Epochs>,
}

impl Records {
    /// Judges what the store has found.
    ///
    /// A store that keeps revocations too has removed what they ended. Where they are kept apart, or a
    /// session was made while its user was being revoked, only the comparison tells.
    pub(super) async fn judge(
        &self,
        found: Option<Session>,
        now: SystemTime,
    ) -> Result<Session, VerifySessionError> {
        let session = found.ok_or(VerifySessionError::Unknown)?;
        if session.is_over(now) {
            return Err(VerifySessionError::Expired);
        }
        let epoch = self.epochs.read(&session.user, Some(&session.id), None).await?;
        if !standing(&session).holds(&epoch) {
            return Err(VerifySessionError::Revoked);
        }
        Ok(session)
    }
}
