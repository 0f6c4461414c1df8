//! Lists and ends the sessions of a user.
//!
//! To end a session, these methods first revoke it and then remove its record. The revocation also
//! applies to tokens that name the session. It is effective even if a separate store keeps the
//! revocations. The leases of this process end at once. The caller must end the sockets in other
//! processes. Start reading at [`Sessions::end`].

use doorward_core::{Session, SessionId, StoreError, UserId};

use crate::session::sessions::{Sessions, records::standing};

impl Sessions {
    /// Returns the active sessions of a user, in order of creation. A session that was revoked
    /// individually is listed until the session store has removed it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: the store did not answer.
    pub async fn list(&self, user: &UserId) -> Result<Vec<Session>, StoreError> {
        let now = self.clock.wall();
        let epoch = self.records.revocations.read(user, None, None).await?;
        let mut sessions = self.records.store.of_user(user).await?;
        sessions.retain(|session| !session.is_over(now) && standing(session).holds(&epoch));
        Ok(sessions)
    }

    /// Ends a session of any user. If the session does not exist, access tokens that name it are
    /// revoked nevertheless.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Full`]: the session may or may not have ended.
    /// Retry.
    ///
    /// # Security
    /// If the client chooses the session, use [`Sessions::end_of`], which checks the user of the
    /// session.
    pub async fn end(&self, id: &SessionId) -> Result<(), StoreError> {
        let now = self.clock.wall();
        // The session is revoked first, so that it is invalid even if the removal fails.
        self.records.revocations.end_session(id, now).await?;
        self.records.store.remove(id).await?;
        self.leases.end(id, now);
        Ok(())
    }

    /// Ends a session of `user`. Returns `true` if the user had this session. If the session does
    /// not exist or belongs to another user, returns `false` and ends nothing.
    ///
    /// # Errors
    /// Same as [`Sessions::end`].
    pub async fn end_of(&self, user: &UserId, id: &SessionId) -> Result<bool, StoreError> {
        let found = self.records.store.get(id).await?;
        if found.is_none_or(|session| session.user != *user) {
            return Ok(false);
        }
        self.end(id).await?;
        Ok(true)
    }

    /// Ends all sessions of `user` except `keep`, and returns the ids of the ended sessions.
    ///
    /// # Errors
    /// Same as [`Sessions::end`]. Some of the sessions may have ended already.
    pub async fn end_others(
        &self,
        user: &UserId,
        keep: &SessionId,
    ) -> Result<Vec<SessionId>, StoreError> {
        let mut ended = Vec::new();
        for session in self.records.store.of_user(user).await? {
            if session.id != *keep {
                self.end(&session.id).await?;
                ended.push(session.id);
            }
        }
        Ok(ended)
    }

    /// Revokes all sessions and tokens of a user that were issued until now. Returns the new
    /// generation of the user.
    ///
    /// # Errors
    /// Same as [`Sessions::end`].
    pub async fn end_user(&self, user: &UserId) -> Result<u64, StoreError> {
        let now = self.clock.wall();
        // The user is revoked first, for the same reason as in `end`.
        let generation = self.records.revocations.bump(user, now).await?;
        for session in self.records.store.of_user(user).await? {
            // A session of the new generation was created after the revocation, so it is kept.
            if session.generation < generation {
                self.records.store.remove(&session.id).await?;
            }
        }
        self.leases.end_user(user, generation, now);
        Ok(generation)
    }
}
