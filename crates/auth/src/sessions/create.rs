//! Decides what a new session looks like, and which old one makes room for it.
//!
//! Start reading at [`Sessions::create`].

use std::{net::IpAddr, time::SystemTime};

use doorward_core::{
    BoxError, Session, SessionData, SessionToken, StoreError, UserId, is_printable, network_prefix,
};

use super::{Sessions, draw_id};

/// What is to be remembered of a sign-in.
///
/// # Examples
/// ```
/// use doorward_auth::NewSession;
///
/// let new = NewSession::new("alice").user_agent("Mozilla/5.0").address([203, 0, 113, 7].into());
/// # drop(new);
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
    /// Describes a session of `user`, who has just proved who they are.
    pub fn new(user: impl Into<UserId>) -> Self {
        Self { user: user.into(), user_agent: None, network: None, data: SessionData::default() }
    }

    /// Remembers what the browser calls itself: 256 characters at most, without those that nobody sees.
    pub fn user_agent(self, user_agent: &str) -> Self {
        let seen: String =
            user_agent.chars().filter(|c| is_printable(*c)).take(AGENT_CHARS).collect();
        Self { user_agent: (!seen.is_empty()).then(|| seen.into()), ..self }
    }

    /// Remembers from which network the user signed in ([`network_prefix`]), and not the address.
    pub fn address(self, address: IpAddr) -> Self {
        Self { network: Some(network_prefix(address)), ..self }
    }

    /// Keeps something of the application's own with the session.
    pub fn data(self, data: SessionData) -> Self {
        Self { data, ..self }
    }
}

impl Sessions {
    /// Makes a session, and the token that opens it.
    ///
    /// When the user has too many, the least recently seen one is ended.
    ///
    /// # Errors
    /// - [`CreateSessionError::Full`]: the bound of the store is reached.
    /// - [`CreateSessionError::Unavailable`]: the store did not answer.
    ///
    /// # Security
    /// The token is new each time, whatever the client has shown before it signed in.
    pub async fn create(
        &self,
        new: NewSession,
    ) -> Result<(SessionToken, Session), CreateSessionError> {
        let now = self.clock.wall();
        // Before anything is written: a revocation that comes in between makes the session too old.
        let epoch = self.records.epochs.read(&new.user, None, None).await?;
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

    /// Ends what a user has too many of.
    ///
    /// It runs after the session was made, so that of two that are made at the same time the later one
    /// sees both. Both put them in the same order and so end the same ones.
    async fn make_room(&self, user: &UserId, now: SystemTime) -> Result<(), StoreError> {
        let mut sessions = self.records.store.of_user(user).await?;
        let excess = sessions.len().saturating_sub(self.per_user);
        sessions.sort_by_key(|session| (!session.is_over(now), session.seen_at));
        for session in sessions.iter().take(excess) {
            if session.is_over(now) {
                self.records.store.remove(&session.id).await?;
            } else {
                self.end(&session.id).await?;
            }
        }
        Ok(())
    }
}

/// Why no session was made.
///
/// # Examples
/// ```
/// assert_eq!(doorward_auth::CreateSessionError::Full.to_string(), "the store is full");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateSessionError {
    /// No more can be kept: the bound of the store is reached.
    #[error("the store is full")]
    Full,
    /// Nothing answered: try again. A session that was made all the same can be opened by nobody.
    #[error("no session can be made now")]
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

/// Longer ones exist, and say no more.
const AGENT_CHARS: usize = 256;
