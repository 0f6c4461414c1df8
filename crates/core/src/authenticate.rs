//! Authenticates clients.
//!
//! An [`Authenticator`] turns the credentials of a handshake into a [`Grant`], or into the reason
//! for a rejection. It corresponds to a connection middleware of socket.io, with one difference: a
//! private namespace cannot be built without one.

use std::future::Future;

use crate::{BoxError, Grant, Handshake, Refusal, UserId};

/// Identifies a client before any other code of the application runs.
///
/// It runs for every unauthenticated client, so prefer work that is local and cheap. Look at
/// `doorward-auth` (`Jwt`, `authenticate_fn`) before writing your own.
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
    /// The application's own type for an authenticated client, available on every socket.
    type Principal: Send + Sync + 'static;

    /// Authenticates one handshake.
    ///
    /// # Errors
    /// - [`AuthenticateError::Refused`]: the client's fault. It receives one `connect_error`.
    /// - [`AuthenticateError::Unavailable`]: a dependency did not answer, so nothing was decided.
    ///   The transport closes and the client reconnects.
    ///
    /// # Panics
    /// A panic is caught and counts as [`AuthenticateError::Unavailable`].
    ///
    /// # Cancel safety
    /// The future is dropped when the client disconnects, or when admission exceeds its deadline,
    /// by default 5 s. It must leave nothing behind that only its completion would undo.
    fn authenticate(
        &self,
        handshake: Handshake,
    ) -> impl Future<Output = Result<Grant<Self::Principal>, AuthenticateError>> + Send;

    /// Returns the user of a credential whose authenticity can be verified locally, such as by its
    /// signature. `None`, the default, means that this would need a lookup.
    ///
    /// It is called when the budget for failed attempts of the client's address is used up. From
    /// then on only a client with a recognised credential is processed further, so that an attacker
    /// cannot lock out the other clients of its address. It grants nothing:
    /// [`authenticate`](Authenticator::authenticate) runs after it.
    ///
    /// # Security
    /// It runs for clients that guess credentials, a few at a time, so they control how often its
    /// cost is paid. It must trust only what it has verified.
    fn recognise(&self, handshake: &Handshake) -> Option<UserId> {
        // The default cannot verify anything, so it recognises no client.
        let _ = handshake;
        None
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
    Refused(#[source] Refusal),
    /// Nothing was decided, because a dependency did not answer.
    #[error("cannot be decided now")]
    Unavailable(#[source] BoxError),
}

impl From<Refusal> for AuthenticateError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
