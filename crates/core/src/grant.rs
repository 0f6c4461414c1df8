//! Grants: the result of a successful authentication.

use std::{fmt, sync::Arc, time::SystemTime};

use crate::{BoxError, BoxFuture, Issued, Lease, SessionId, TokenId, UserId};

/// Proof that a client was authenticated: its principal, its user, and how long it may stay
/// connected.
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
    /// The application's own type for the client.
    pub principal: P,
    /// User by whom connections are counted and revoked.
    pub user: UserId,
    /// Session that the credential belongs to.
    pub session: Option<SessionId>,
    /// Id of the token that was presented.
    pub token: Option<TokenId>,
    /// Time of issue, to be compared with the revocation state. If it is `None`, the time at which
    /// the credential was presented counts ([`Issued::Shown`]).
    pub issued: Option<Issued>,
    /// Time of the user's last interactive sign-in; `None` if unknown.
    pub signed_in_at: Option<SystemTime>,
    /// Wall time at which the credential expires; `None` if it has no expiry of its own.
    pub expires_at: Option<SystemTime>,
    /// Lease on the session: the sockets close when it ends.
    pub lease: Option<Arc<dyn Lease>>,
    /// Loads the principal again after the user's rights have changed.
    pub reload: Option<Reload<P>>,
}

/// Function that loads a principal again; its future yields `None` if the user is no longer known.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use doorward_core::{Grant, Reload};
///
/// let reload: Reload<u8> = Arc::new(|| Box::pin(async { Ok(Some(8)) }));
/// let grant = Grant::new(7, "alice").reload(reload);
/// assert!(grant.reload.is_some());
/// ```
///
/// # Errors
/// Any error means that the lookup failed and nothing is known about the user.
pub type Reload<P> = Arc<dyn Fn() -> BoxFuture<'static, Result<Option<P>, BoxError>> + Send + Sync>;

impl<P> Grant<P> {
    /// Creates a grant for `principal`, counted as `user`, that does not expire.
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

    /// Replaces the principal, such as by the record behind a token, and keeps everything else. The
    /// reload function is dropped, because it loads the previous type; set a new one with
    /// [`reload`](Self::reload).
    pub fn with_principal<Q>(self, principal: Q) -> Grant<Q> {
        let Self { user, session, token, issued, signed_in_at, expires_at, lease, .. } = self;
        // `reload` is a function that returns the previous principal type.
        let reload = None;
        Grant { principal, user, session, token, issued, signed_in_at, expires_at, lease, reload }
    }

    /// Sets the session that the credential belongs to.
    pub fn session(self, session: SessionId) -> Self {
        Self { session: Some(session), ..self }
    }

    /// Sets the id of the token.
    pub fn token(self, token: TokenId) -> Self {
        Self { token: Some(token), ..self }
    }

    /// Sets when the credential was issued.
    pub fn issued(self, issued: Issued) -> Self {
        Self { issued: Some(issued), ..self }
    }

    /// Sets the time of the user's last interactive sign-in.
    pub fn signed_in_at(self, at: SystemTime) -> Self {
        Self { signed_in_at: Some(at), ..self }
    }

    /// Sets when the credential expires. Its sockets close at that time.
    pub fn expires_at(self, at: SystemTime) -> Self {
        Self { expires_at: Some(at), ..self }
    }

    /// Binds the sockets to the lifetime of a session.
    pub fn lease(self, lease: Arc<dyn Lease>) -> Self {
        Self { lease: Some(lease), ..self }
    }

    /// Sets how to load the principal again.
    pub fn reload(self, reload: Reload<P>) -> Self {
        Self { reload: Some(reload), ..self }
    }
}

impl<P: fmt::Debug> fmt::Debug for Grant<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Session, token and lease are omitted: they identify a credential.
        f.debug_struct("Grant")
            .field("principal", &self.principal)
            .field("user", &self.user)
            .field("issued", &self.issued)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Principal in a namespace that was opened with `.public()`, where clients are not authenticated.
///
/// It is a type of its own, so that a handler that requires a user does not compile in such a
/// namespace.
///
/// # Examples
/// ```
/// assert_eq!(format!("{:?}", doorward_core::Anonymous), "Anonymous");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Anonymous;

impl Anonymous {
    /// User id of all anonymous clients. It identifies no user, so nothing can be sent to it.
    pub const USER: &'static str = "anonymous";
}
