//! Principal of a client with a session.

use std::time::SystemTime;

use doorward_core::{Grant, Issued, Session, SessionId, UserId};

use crate::session::sessions::Sessions;

/// A signed-in user: the principal of [`SessionCookie`](crate::SessionCookie) and
/// [`SessionCredential`](crate::SessionCredential).
///
/// It contains no rights: `.load(..)` turns it into the application's own user.
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
    /// Returns the user.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// Returns the session, for [`Sessions::data`] and similar calls.
    #[must_use]
    pub fn session(&self) -> &SessionId {
        &self.session
    }

    /// Returns when the session was created.
    #[must_use]
    pub fn created_at(&self) -> SystemTime {
        self.created_at
    }

    /// Returns when the user last authenticated.
    #[must_use]
    pub fn signed_in_at(&self) -> SystemTime {
        self.signed_in_at
    }
}

/// Grants admission to the user of an active session. The handshake counts as activity.
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
