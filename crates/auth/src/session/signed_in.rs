//! Principal of a client with a session.

use std::time::SystemTime;

use doorward_core::{Grant, Issued, Session, SessionId, UserId};

use crate::session::sessions::Sessions;

/// User with an active session. It is the principal of [`SessionCookie`](crate::SessionCookie) and
/// [`SessionCredential`](crate::SessionCredential).
///
/// It contains no rights of the user. The `load` methods, such as
/// [`SessionCookie::load`](crate::SessionCookie::load), replace it with the application's own user.
///
/// # Examples
/// ```
/// use doorward_auth::SignedIn;
///
/// fn greet(me: &SignedIn) -> String {
///     format!("Hello, {}!", me.user().as_str())
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    user: UserId,
    session: SessionId,
    created_at: SystemTime,
    signed_in_at: SystemTime,
}

impl SignedIn {
    /// Returns the id of the user.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// Returns the id of the session, for [`Sessions::data`] and similar methods.
    #[must_use]
    pub fn session(&self) -> &SessionId {
        &self.session
    }

    /// Returns the time at which the session was created.
    #[must_use]
    pub fn created_at(&self) -> SystemTime {
        self.created_at
    }

    /// Returns the time of the user's last authentication.
    #[must_use]
    pub fn signed_in_at(&self) -> SystemTime {
        self.signed_in_at
    }
}

/// Returns the grant of a client with an active session. The handshake, which arrived at `at`,
/// counts as activity of the client.
pub(crate) fn grant(sessions: &Sessions, session: Session, at: SystemTime) -> Grant<SignedIn> {
    let lease = sessions.lease(&session);
    lease.touch(at);
    let Session { id, user, created_at, signed_in_at, ends_at, generation, .. } = session;
    let signed_in = SignedIn { user: user.clone(), session: id.clone(), created_at, signed_in_at };
    Grant::new(signed_in, user)
        .session(id)
        .issued(Issued::Generation(generation))
        .signed_in_at(signed_in_at)
        .expires_at(ends_at)
        .lease(lease)
}
