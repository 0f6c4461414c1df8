//! What an authenticator gives back.

use std::time::SystemTime;

use crate::{SessionId, TokenId, UserId};

/// The proof that a client was authenticated: whom the server acts for, and until when.
///
/// # Examples
/// ```
/// use std::time::{Duration, SystemTime};
/// use doorward_core::{Grant, SessionId};
///
/// let grant = Grant::new("Alice Liddell", "alice")
///     .session(SessionId::new("s-1"))
///     .expires_at(SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000));
/// assert_eq!(grant.user.as_str(), "alice");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct Grant<P> {
    /// Whom the server acts for.
    pub principal: P,
    /// Who that is, for counting and revoking.
    pub user: UserId,
    /// The session the credential belongs to.
    pub session: Option<SessionId>,
    /// The token that was shown.
    pub token: Option<TokenId>,
    /// When the credential ends, in wall time; `None` when it does not end by itself.
    pub expires_at: Option<SystemTime>,
}

impl<P> Grant<P> {
    /// Grants entry to `principal`, known as `user`, without an end.
    pub fn new(principal: P, user: impl Into<UserId>) -> Self {
        Self { principal, user: user.into(), session: None, token: None, expires_at: None }
    }

    /// Grants the same to another view of the same user, such as the record behind a token.
    pub fn with_principal<Q>(self, principal: Q) -> Grant<Q> {
        let Self { principal: _, user, session, token, expires_at } = self;
        Grant { principal, user, session, token, expires_at }
    }

    /// Ties the grant to a session.
    pub fn session(self, session: SessionId) -> Self {
        Self { session: Some(session), ..self }
    }

    /// Ties the grant to one token.
    pub fn token(self, token: TokenId) -> Self {
        Self { token: Some(token), ..self }
    }

    /// Limits the grant in time: its sockets end then.
    pub fn expires_at(self, at: SystemTime) -> Self {
        Self { expires_at: Some(at), ..self }
    }
}

/// Whom the server acts for in a namespace that was opened with `.public()`: nobody it knows.
///
/// A type of its own, so that a handler that asks for a user does not compile in such a namespace.
///
/// # Examples
/// ```
/// assert_eq!(format!("{:?}", doorward_core::Anonymous), "Anonymous");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Anonymous;

impl Anonymous {
    /// The id that all of them have. It means nobody: nothing can be sent to it.
    pub const USER: &'static str = "anonymous";
}
