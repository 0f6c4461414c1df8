//! Creates sessions. If a user has more sessions than allowed, ends those that were used least
//! recently.
//!
//! Start reading at [`Sessions::create`].

use std::{net::IpAddr, time::SystemTime};

use doorward_core::{
    BoxError, Session, SessionData, SessionToken, StoreError, UserId, is_printable, network_prefix,
};

use crate::session::sessions::{Sessions, draw_id};

/// Description of a new session.
///
/// # Examples
/// ```
/// use doorward_auth::NewSession;
///
/// let new = NewSession::new("alice").user_agent("Mozilla/5.0").address([203, 0, 113, 7].into());
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct NewSession {
    user: UserId,
    user_agent: Option<Box<str>>,
    network: Option<IpAddr>,
    data: SessionData,
}

impl NewSession {
    /// Creates the description of a session of `user`, who has just authenticated.
    pub fn new(user: impl Into<UserId>) -> Self {
        Self { user: user.into(), user_agent: None, network: None, data: SessionData::default() }
    }

    /// Stores the user agent of the client. Unprintable characters are removed, and at most 256
    /// characters are kept. An empty text counts as unknown.
    pub fn user_agent(self, user_agent: &str) -> Self {
        let seen: String =
            user_agent.chars().filter(|c| is_printable(*c)).take(AGENT_CHARS).collect();
        Self { user_agent: (!seen.is_empty()).then(|| seen.into()), ..self }
    }

    /// Stores the network of the client, which is the [`network_prefix`] of `address`. The address
    /// itself is not stored.
    pub fn address(self, address: IpAddr) -> Self {
        Self { network: Some(network_prefix(address)), ..self }
    }

    /// Stores data of the application with the session.
    pub fn data(self, data: SessionData) -> Self {
        Self { data, ..self }
    }
}

impl Sessions {
    /// Creates a session. Returns its token, which the client needs, and the session.
    ///
    /// If the user then has more sessions than [`Sessions::per_user`] allows, the least recently
    /// used session is ended.
    ///
    /// # Errors
    /// - [`CreateSessionError::Full`]: the store has reached its limit.
    /// - [`CreateSessionError::Unavailable`]: the store did not answer.
    ///
    /// # Security
    /// The token is always new, even if the client sent a session token before it signed in.
    pub async fn create(
        &self,
        new: NewSession,
    ) -> Result<(SessionToken, Session), CreateSessionError> {
        let now = self.clock.wall();
        // The revocation state is read before the session is written. A revocation after this read
        // has a higher generation, so it revokes the new session.
        let epoch = self.records.revocations.read(&new.user, None, None).await?;
        let id = draw_id(&*self.entropy);
        let mut session = Session::new(id, new.user, now, self.idle_timeout, self.lifetime);
        session.generation = epoch.generation;
        session.user_agent = new.user_agent;
        session.network = new.network;
        session.data = new.data;
        let token = SessionToken::generate(&*self.entropy);
        self.records.store.create(&token.key(), &session).await?;
        self.make_room(&session.user, now).await?;
        Ok((token, session))
    }

    /// Ends the sessions of a user that exceed [`Sessions::per_user`].
    ///
    /// The caller has already created the new session. If two sessions are created concurrently,
    /// the later call of this method sees both sessions. Both calls sort the sessions in the same
    /// way, and therefore end the same sessions.
    async fn make_room(&self, user: &UserId, now: SystemTime) -> Result<(), StoreError> {
        let mut sessions = self.records.store.of_user(user).await?;
        // Concurrent sign-ins may exceed the limit briefly.
        let excess = sessions.len().saturating_sub(self.per_user);
        // Expired sessions are first, followed by the least recently used.
        sessions.sort_by_key(|session| (!session.is_over(now), session.seen_at));
        for session in sessions.iter().take(excess) {
            if session.is_over(now) {
                // An expired session needs no revocation, which would only take space.
                self.records.store.remove(&session.id).await?;
            } else {
                self.end(&session.id).await?;
            }
        }
        Ok(())
    }
}

/// Error returned by [`Sessions::create`].
///
/// # Examples
/// ```
/// assert_eq!(doorward_auth::CreateSessionError::Full.to_string(), "the store is full");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateSessionError {
    /// The store has reached its limit.
    #[error("the store is full")]
    Full,
    /// The store did not answer. Retry. The session may have been created, but no client has its
    /// token, so it grants no access.
    #[error("the session store did not answer")]
    Unavailable(#[source] BoxError),
}

impl From<StoreError> for CreateSessionError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::Full,
            other => Self::Unavailable(other.into()),
        }
    }
}

/// Maximum number of characters of a stored user agent, which is enough for common browsers.
const AGENT_CHARS: usize = 256;
