//! Says who is asking.
//!
//! An [`Authenticator`] turns what a client showed into a [`Grant`], or says why not. It is what
//! socket.io calls a connection middleware, with one difference: a private namespace without one
//! cannot be built.

use std::future::Future;

use crate::{BoxError, Grant, Handshake, Refusal, UserId};

/// Decides who a client is before anything else of the application runs.
///
/// Pure and local work is best: it runs for every stranger who knocks. Take it from `doorward-auth`
/// (`Jwt`, `authenticate_fn`) before writing one.
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
///         match handshake.auth.str("password") {
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
    /// Whom the server acts for: the application's own type, on every socket.
    type Principal: Send + Sync + 'static;

    /// Judges one handshake.
    ///
    /// # Errors
    /// - [`AuthenticateError::Refused`]: the client's fault. It gets one `connect_error`.
    /// - [`AuthenticateError::Unavailable`]: a dependency did not answer, so nothing was decided. The
    ///   transport ends and the client tries again.
    ///
    /// # Panics
    /// A panic is caught and counts as [`AuthenticateError::Unavailable`].
    ///
    /// # Cancel safety
    /// The future is dropped when the client leaves or when admission takes longer than its
    /// deadline (5 s by default). It must not leave anything behind that only its end would undo.
    fn authenticate(
        &self,
        handshake: Handshake,
    ) -> impl Future<Output = Result<Grant<Self::Principal>, AuthenticateError>> + Send;

    /// Names the user of a credential that is genuine as far as it shows by itself, such as by its signature.
    /// `None`, the default, means that this cannot be told without a lookup.
    ///
    /// It is asked when the client's address has used up its guesses. Then only a client whose credential is
    /// recognised is looked at any further, so that one who guesses does not keep out its neighbours. It
    /// grants nothing: [`authenticate`](Authenticator::authenticate) is asked after it.
    ///
    /// # Security
    /// It runs for clients that guess, a few at a time: whatever it costs, they cause it. It must not believe
    /// anything that it has not verified.
    fn recognise(&self, handshake: &Handshake) -> Option<UserId> {
        let _ = handshake;
        None
    }
}

/// Why a handshake was not granted.
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
    /// The client may not come in.
    #[error("refused")]
    Refused(#[source] Refusal),
    /// Nothing was decided, because something that must be asked did not answer.
    #[error("cannot be decided now")]
    Unavailable(#[source] BoxError),
}

impl From<Refusal> for AuthenticateError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
