//! What an authenticator gives back.

use std::{fmt, sync::Arc, time::SystemTime};

use crate::{BoxError, BoxFuture, Issued, Lease, SessionId, TokenId, UserId};

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
#[derive(Clone)]
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
    /// When the credential was made, to be compared with what was revoked. When nobody says, the time
    /// at which it was shown counts ([`Issued::Shown`]).
    pub issued: Option<Issued>,
    /// When the user last proved who they are; `None` when nobody knows.
    pub signed_in_at: Option<SystemTime>,
    /// When the credential ends, in wall time; `None` when it does not end by itself.
    pub expires_at: Option<SystemTime>,
    /// The hold on the session, which ends the sockets with it.
    pub lease: Option<Arc<dyn Lease>>,
    /// Looks the principal up again, when the user's rights have changed.
    pub reload: Option<Reload<P>>,
}

/// Looks a principal up again; `None` when the user is not known any more.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use doorward_core::{Grant, Reload};
///
/// let reload: Reload<u8> = Arc::new(|| Box::pin(async { Ok(Some(8)) }));
/// let grant = Grant::new(7, "alice").reload(reload);
/// # drop(grant);
/// ```
///
/// # Errors
/// Any error means that the question could not be answered.
pub type Reload<P> = Arc<dyn Fn() -> BoxFuture<'static, Result<Option<P>, BoxError>> + Send + Sync>;

impl<P> Grant<P> {
    /// Grants entry to `principal`, known as `user`, without an end.
    pub fn new(principal: P, user: impl Into<UserId>) -> Self {
        Self {
            principal,
            user: user.into(),
            session: None,
            token: None,
            issued: None,
            signed_in_at: None,
            expires_at: None,
            lease: None,
            reload: None,
        }
    }

    /// Grants the same to another view of the same user, such as the record behind a token. How to
    /// look it up again is to be said anew.
    pub fn with_principal<Q>(self, principal: Q) -> Grant<Q> {
        let Self { user, session, token, issued, signed_in_at, expires_at, lease, .. } = self;
        let reload = None;
        Grant { principal, user, session, token, issued, signed_in_at, expires_at, lease, reload }
    }

    /// Ties the grant to a session.
    pub fn session(self, session: SessionId) -> Self {
        Self { session: Some(session), ..self }
    }

    /// Ties the grant to one token.
    pub fn token(self, token: TokenId) -> Self {
        Self { token: Some(token), ..self }
    }

    /// Says when the credential was made.
    pub fn issued(self, issued: Issued) -> Self {
        Self { issued: Some(issued), ..self }
    }

    /// Says when the user last proved who they are.
    pub fn signed_in_at(self, at: SystemTime) -> Self {
        Self { signed_in_at: Some(at), ..self }
    }

    /// Limits the grant in time: its sockets end then.
    pub fn expires_at(self, at: SystemTime) -> Self {
        Self { expires_at: Some(at), ..self }
    }

    /// Ties the sockets to the life of the session.
    pub fn lease(self, lease: Arc<dyn Lease>) -> Self {
        Self { lease: Some(lease), ..self }
    }

    /// Says how to look the principal up again.
    pub fn reload(self, reload: Reload<P>) -> Self {
        Self { reload: Some(reload), ..self }
    }
}

impl<P: fmt::Debug> fmt::Debug for Grant<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("principal", &self.principal)
            .field("user", &self.user)
            .field("issued", &self.issued)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
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
