//! Lists the sessions of a user, and ends them.
//!
//! An end is a revocation first and a removal second, so that it counts for tokens that name the
//! session as well, also where the two are kept apart. Sockets in this process see it at once, by
//! their lease; those of other processes are the caller's to end.
//! Start reading at [`Sessions::end`].

use doorward_core::{Session, SessionId, StoreError, UserId};

use super::{Sessions, standing};

impl Sessions {
    /// Lists the sessions of a user that live, in the order in which they were made.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: the store did not answer.
    pub async fn list(&self, user: &UserId) -> Result<Vec<Session>, StoreError> {
        let now = self.clock.wall();
        let epoch = self.records.epochs.read(user, None, None).await?;
        let mut sessions = self.records.store.of_user(user).await?;
        sessions.retain(|session| !session.is_over(now) && standing(session).holds(&epoch));
        Ok(sessions)
    }

    /// Ends a session, whoever it belongs to. Nothing happens when it is not there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Full`]: it may have ended or not. Try again.
    ///
    /// # Security
    /// Where a client names the session, take [`Sessions::end_of`].
    pub async fn end(&self, id: &SessionId) -> Result<(), StoreError> {
        let now = self.clock.wall();
        self.records.epochs.end_session(id, now).await?;
        self.records.store.remove(id).await?;
        self.leases.end(id, now);
        Ok(())
    }

    /// Ends a session of `user`, and says whether there was one: that of somebody else is not there.
    ///
    /// # Errors
    /// As [`Sessions::end`].
    pub async fn end_of(&self, user: &UserId, id: &SessionId) -> Result<bool, StoreError> {
        let found = self.records.store.get(id).await?;
        if found.is_none_or(|session| session.user != *user) {
            return Ok(false);
        }
        self.end(id).await?;
        Ok(true)
    }

    /// Ends all sessions of `user` but `keep`, and returns those that it ended.
    ///
    /// # Errors
    /// As [`Sessions::end`]; some may have ended.
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

    /// Ends everything of a user that was made until now, tokens included, and returns the generation
    /// that begins.
    ///
    /// # Errors
    /// As [`Sessions::end`].
    pub async fn end_user(&self, user: &UserId) -> Result<u64, StoreError> {
        let now = self.clock.wall();
        let generation = self.records.epochs.bump(user, now).await?;
        for session in self.records.store.of_user(user).await? {
            // One that was made since then is not meant.
            if session.generation < generation {
                self.records.store.remove(&session.id).await?;
            }
        }
        self.leases.end_user(user, generation, now);
        Ok(generation)
    }
}
