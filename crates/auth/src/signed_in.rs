//! What is known of a client whose session was found.

use std::time::SystemTime;

use doorward_core::{Grant, Issued, Session, SessionId, UserId};

use crate::Sessions;

/// Somebody with a session: the principal of [`SessionCookie`](crate::SessionCookie) and
/// [`SessionCredential`](crate::SessionCredential).
///
/// What it may do is not known here: `.load(..)` turns it into the application's own user.
///
/// # Examples
/// ```
/// use doorward_auth::SignedIn;
///
/// fn greet(me: &SignedIn) -> String {
///     format!("Hello, {}!", me.user().as_str())
/// }
/// # drop(greet);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    user: UserId,
    session: SessionId,
    created_at: SystemTime,
    signed_in_at: SystemTime,
}

impl SignedIn {
    /// Who it is.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// The session, for [`Sessions::data`] and the like.
    #[must_use]
    pub fn session(&self) -> &SessionId {
        &self.session
    }

    /// When the session was made.
    #[must_use]
    pub fn created_at(&self) -> SystemTime {
        self.created_at
    }

    /// When the user last proved who they are.
    #[must_use]
    pub fn signed_in_at(&self) -> SystemTime {
        self.signed_in_at
    }
}

/// Grants entry to the user of a session that lives. To come in is a sign of life.
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
