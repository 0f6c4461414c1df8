//! Authenticates clients.
//!
//! An [`Authenticator`] checks the credentials of a handshake. It returns a [`Grant`], or the
//! reason for a rejection. It corresponds to a connection middleware of socket.io. Unlike with
//! socket.io, a private namespace cannot be built without an authenticator.

use std::future::Future;

use crate::{BoxError, Grant, Handshake, Refusal, RefusalReason, SessionId, UserId};

/// Identifies a client before any other code of the application runs.
///
/// An authenticator runs for every unauthenticated client, so prefer work that is local and cheap.
/// Look at `doorward-auth` (`Jwt`, `authenticate_fn`) before writing your own.
///
/// # Examples
/// ```
/// use doorward_core::{AuthenticateError, Authenticator, Grant, Handshake, Refusal, RefusalReason};
///
/// struct Password(&'static str);
///
/// impl Authenticator for Password {
///     type Principal = String;
///
///     async fn authenticate(&self, handshake: Handshake) -> Result<Grant<String>, AuthenticateError> {
///         match handshake.auth.get_str("password") {
///             None => Err(Refusal::unauthenticated(RefusalReason::CredentialMissing).into()),
///             Some(password) if password == self.0 => Ok(Grant::new("root".to_owned(), "root")),
///             Some(_) => Err(Refusal::new("wrong_password", "Wrong password").into()),
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say who a client is",
    note = "pass an `Authenticator`, such as `Jwt::hs256(secret)?`, or wrap a closure: \
            `authenticate_fn(|handshake| async move {{ .. }})`"
)]
pub trait Authenticator: Send + Sync + 'static {
    /// The application's own type for an authenticated client. A value of it is available on every
    /// socket.
    type Principal: Send + Sync + 'static;

    /// Authenticates one handshake.
    ///
    /// # Errors
    /// - [`AuthenticateError::Refused`]: the client is rejected. It receives one `connect_error`.
    /// - [`AuthenticateError::Unavailable`], [`AuthenticateError::Undecided`]: nothing was decided.
    ///   The transport closes and the client reconnects.
    ///
    /// # Panics
    /// A panic is caught and counts as [`AuthenticateError::Unavailable`].
    ///
    /// # Cancel safety
    /// The future is dropped when the client disconnects, or when admission exceeds its deadline,
    /// by default 5 s. It must not leave behind a change that only its completion would undo.
    fn authenticate(
        &self,
        handshake: Handshake,
    ) -> impl Future<Output = Result<Grant<Self::Principal>, AuthenticateError>> + Send;

    /// Returns the user of a credential that can be verified locally, such as by its signature.
    /// Returns `None` if the credential is not valid or cannot be verified locally. The default
    /// implementation always returns `None`.
    ///
    /// The server calls this method when the client's address has used up its budget for failed
    /// attempts. The server then authenticates only clients whose credential this method
    /// recognises. An attacker therefore cannot lock out the other clients at the same address. A
    /// recognised credential grants nothing, because [`authenticate`](Authenticator::authenticate)
    /// runs afterwards.
    ///
    /// # Security
    /// Clients that guess credentials can cause any number of calls. Only a few calls run at a
    /// time. Keep the method cheap, and return a user only if the credential has been verified.
    fn recognise(&self, handshake: &Handshake) -> Option<UserId> {
        // The default cannot verify anything, so it recognises no client.
        let _ = handshake;
        None
    }

    /// Returns the session of the cookie in a request, or `None` if the request has no cookie that
    /// this authenticator reads. The default implementation always returns `None`.
    ///
    /// A client that polls sends its cookies with each request. The server calls this method when it
    /// opens a link, and when the cookies have changed since. A request with the cookie of another
    /// session does not belong to the link. An authenticator that reads cookies should implement
    /// this method.
    ///
    /// # Errors
    /// - [`AuthenticateError::Refused`]: the cookie is not that of an active session. If the reason
    ///   is that of a guess, it counts against the address of the client.
    /// - [`AuthenticateError::Unavailable`]: the session could not be looked up. The request is
    ///   answered with 503.
    fn session_of(
        &self,
        handshake: &Handshake,
    ) -> impl Future<Output = Result<Option<SessionId>, AuthenticateError>> + Send {
        let _ = handshake;
        async { Ok(None) }
    }
}

/// Error of [`Authenticator::authenticate`].
///
/// # Examples
/// ```
/// use doorward_core::{AuthenticateError, Refusal};
///
/// let error = AuthenticateError::from(Refusal::new("invalid_token", "Invalid token"));
/// assert!(matches!(error, AuthenticateError::Refused(_)));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticateError {
    /// The client is rejected.
    #[error("refused")]
    Refused(#[from] Refusal),
    /// Nothing was decided, because a dependency did not answer.
    #[error("cannot be decided now")]
    Unavailable(#[source] BoxError),
    /// Nothing was decided, although every dependency works. The client may try again after a few
    /// seconds. Unlike [`Unavailable`](Self::Unavailable), the log does not report an outage.
    #[error("cannot be decided yet: {0}")]
    Undecided(RefusalReason),
}
