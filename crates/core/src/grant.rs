//! Grants, which are the result of a successful authentication.

use std::{fmt, sync::Arc, time::SystemTime};

use crate::{BoxError, BoxFuture, Issued, Lease, SessionId, TokenId, UserId};

/// Result of a successful authentication. It contains the principal and the user of the client, and
/// the time until which the client may stay connected.
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
    /// Principal of the client. Its type belongs to the application.
    pub principal: P,
    /// User of the client. Connections are counted by user, and can be revoked by user.
    pub user: UserId,
    /// Session that the credential belongs to; `None` if it belongs to no session.
    pub session: Option<SessionId>,
    /// Id of the token that was presented; `None` if the credential has no id.
    pub token: Option<TokenId>,
    /// Time at which the credential was issued. The server compares it with revocations. If it is
    /// `None`, the server uses the time at which the client has presented the credential
    /// ([`Issued::Shown`]).
    pub issued: Option<Issued>,
    /// Time of the user's last interactive sign-in; `None` if unknown.
    pub signed_in_at: Option<SystemTime>,
    /// Wall-clock time at which the credential expires; `None` if the credential itself does not
    /// expire.
    pub expires_at: Option<SystemTime>,
    /// Lease that keeps the session alive. The client's sockets close when the session ends. With
    /// `None`, the expiry of a session does not affect the sockets.
    pub lease: Option<Arc<dyn Lease>>,
    /// Function that loads the principal again after the user's rights have changed. With `None`,
    /// the principal does not change.
    pub reload: Option<Reload<P>>,
}

/// Function that loads a principal again. Its future yields `None` if the user is no longer known.
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
    /// Creates a grant that does not expire, for a client with this principal and this user. All
    /// optional fields are `None`.
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

    /// Replaces the principal and keeps the other fields, except [`reload`](Self::reload). Use it
    /// to replace the claims of a token by a record of the application, for example.
    ///
    /// The reload function is dropped, because it loads the previous type. Set a new one with
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

    /// Sets the time at which the credential was issued.
    pub fn issued(self, issued: Issued) -> Self {
        Self { issued: Some(issued), ..self }
    }

    /// Sets the time of the user's last interactive sign-in.
    pub fn signed_in_at(self, at: SystemTime) -> Self {
        Self { signed_in_at: Some(at), ..self }
    }

    /// Sets the time at which the credential expires. The client's sockets close at that time.
    pub fn expires_at(self, at: SystemTime) -> Self {
        Self { expires_at: Some(at), ..self }
    }

    /// Sets the lease that keeps the session alive. The client's sockets close when the session
    /// ends.
    pub fn lease(self, lease: Arc<dyn Lease>) -> Self {
        Self { lease: Some(lease), ..self }
    }

    /// Sets the function that loads the principal again.
    pub fn reload(self, reload: Reload<P>) -> Self {
        Self { reload: Some(reload), ..self }
    }
}

impl<P: fmt::Debug> fmt::Debug for Grant<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Session, token and lease are omitted, because they identify a credential.
        f.debug_struct("Grant")
            .field("principal", &self.principal)
            .field("user", &self.user)
            .field("issued", &self.issued)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Principal of all clients in a public namespace (`.public()`), where clients are not
/// authenticated.
///
/// A handler that requires the principal of a user does not compile in such a namespace, because
/// the principal there is an `Anonymous`.
///
/// # Examples
/// ```
/// assert_eq!(format!("{:?}", doorward_core::Anonymous), "Anonymous");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Anonymous;

impl Anonymous {
    /// User id of all anonymous clients. It identifies no single user, so no message can be sent to
    /// this user.
    pub const USER: &'static str = "anonymous";
}
