//! Creates an authenticator from a closure.
//!
//! The closure receives the handshake and authenticates the client. Its result is returned
//! unchanged. No other code checks the credential. Start reading at [`authenticate_fn`].

pub(crate) mod with_state;

use std::future::Future;

use doorward_core::{AuthenticateError, Authenticator, Grant, Handshake};

/// Creates an authenticator from a closure.
///
/// Use it for credentials that the application checks, such as API keys or passwords. It
/// corresponds to a middleware (`io.use(..)`) of socket.io. For access tokens use
/// [`Jwt`](crate::Jwt).
///
/// # Examples
/// ```
/// use doorward_auth::{
///     AuthenticateError, BoxError, Grant, Refusal, RefusalReason, authenticate_fn,
/// };
///
/// /// Looks up the hash of the key in the application's database.
/// async fn owner_of(api_key: &str) -> Result<Option<String>, BoxError> {
///     // ..
/// #   Ok(None)
/// }
///
/// let authenticator = authenticate_fn(|handshake| async move {
///     let missing = || Refusal::unauthenticated(RefusalReason::CredentialMissing);
///     let api_key = handshake.auth.get_str("apiKey").ok_or_else(missing)?;
///     match owner_of(api_key).await {
///         Ok(Some(user)) => Ok(Grant::new(user.clone(), user)),
///         Ok(None) => Err(Refusal::new("unknown_key", "Unknown API key").into()),
///         Err(cause) => Err(AuthenticateError::Unavailable(cause)),
///     }
/// });
/// ```
///
/// # Cancel safety
/// The closure's future is dropped if the client disconnects or if admission exceeds its deadline.
/// It must not leave behind a change that only its completion would undo.
///
/// # Security
/// No other code checks the credential. Compare secrets in constant time, or look up their hashes.
pub fn authenticate_fn<F, Fut, P>(authenticate: F) -> AuthenticateFn<F>
where
    F: Fn(Handshake) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Grant<P>, AuthenticateError>> + Send,
    P: Send + Sync + 'static,
{
    AuthenticateFn { authenticate }
}

/// Authenticator that [`authenticate_fn`] returns.
///
/// # Examples
/// ```
/// use doorward_auth::{Grant, authenticate_fn};
///
/// let guest = authenticate_fn(|_| async { Ok(Grant::new((), "guest")) });
/// assert_eq!(format!("{guest:?}"), "AuthenticateFn { .. }");
/// ```
#[derive(Clone, Copy)]
#[must_use = "an authenticator has no effect until a server is built with it"]
pub struct AuthenticateFn<F> {
    authenticate: F,
}

impl<F, Fut, P> Authenticator for AuthenticateFn<F>
where
    F: Fn(Handshake) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Grant<P>, AuthenticateError>> + Send,
    P: Send + Sync + 'static,
{
    type Principal = P;

    fn authenticate(
        &self,
        handshake: Handshake,
    ) -> impl Future<Output = Result<Grant<P>, AuthenticateError>> + Send {
        (self.authenticate)(handshake)
    }
}

// The closure is not printed, because it may hold a secret.
doorward_core::debug_fields!(AuthenticateFn<F> {});
