//! Authenticates clients other than browsers by their session token.

use std::sync::Arc;

use doorward_core::{
    AuthenticateError, Authenticator, Grant, Handshake, Problem, Refusal, SessionToken,
};

use crate::{
    credential::{
        explicit::Explicit,
        shown::{Shown, ShowsCredential},
    },
    session::{
        sessions::Sessions,
        signed_in::{SignedIn, grant},
    },
};

/// Authenticates clients by the session token in `auth.sessionToken`.
///
/// Use it for clients that have no cookies. For browsers, use
/// [`SessionCookie`](crate::SessionCookie), because scripts of a page should not be able to read
/// the token. The sockets of the client close when the session ends.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use doorward_auth::{Authenticator, SessionCredential, Sessions, SignedIn};
///
/// fn authenticator(sessions: Arc<Sessions>) -> impl Authenticator<Principal = SignedIn> {
///     SessionCredential::new(sessions)
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use = "an authenticator has no effect until a server is built with it"]
pub struct SessionCredential {
    sessions: Arc<Sessions>,
}

impl SessionCredential {
    /// Creates an authenticator that accepts the session tokens of `sessions`.
    pub fn new(sessions: Arc<Sessions>) -> Self {
        Self { sessions }
    }
}

impl Authenticator for SessionCredential {
    type Principal = SignedIn;

    async fn authenticate(
        &self,
        handshake: Handshake,
    ) -> Result<Grant<SignedIn>, AuthenticateError> {
        let credential = Explicit::SessionToken;
        let malformed = credential.denied(credential.malformed(), Problem::Malformed);
        let token: SessionToken = credential
            .find(&handshake.auth)
            .and_then(|text| text.parse().map_err(|_malformed| malformed))
            .map_err(Refusal::from)?;
        let session = self.sessions.verify(&token).await?;
        Ok(grant(&self.sessions, session, handshake.at))
    }
}

impl ShowsCredential for SessionCredential {
    fn shown(&self, handshake: &Handshake) -> Shown {
        Explicit::SessionToken.shown(&handshake.auth)
    }
}
