//! Makes an authenticator out of a closure.
//!
//! It hands the handshake over and the answer back. What is a good credential is the closure's
//! business alone: nothing is checked before or after it.
//! Start reading at [`authenticate_fn`].

use std::{fmt, future::Future};

use doorward_core::{AuthenticateError, Authenticator, Grant, Handshake};

/// Makes an authenticator out of a closure.
///
/// Take it when the credential is the application's own: an API key, a password, a ticket in its
/// database. It does what a connection middleware (`io.use(..)`) does in socket.io. For access
/// tokens take [`Jwt`](crate::Jwt).
///
/// # Examples
/// ```
/// use doorward_auth::{
///     AuthenticateError, Authenticator, BoxError, Grant, Refusal, RefusalReason, authenticate_fn,
/// };
///
/// /// Asks the application's database for the hash of the key.
/// async fn owner_of(api_key: &str) -> Result<Option<String>, BoxError> {
/// #   drop(api_key);
///     // ..
/// #   Ok(None)
/// }
///
/// let authenticator = authenticate_fn(|handshake| async move {
///     let missing = || Refusal::unauthenticated(RefusalReason::CredentialMissing);
///     let api_key = handshake.auth.str("apiKey").ok_or_else(missing)?;
///     match owner_of(api_key).await {
///         Ok(Some(user)) => Ok(Grant::new(user.clone(), user)),
///         Ok(None) => Err(Refusal::new("unknown_key", "Unknown API key").into()),
///         Err(cause) => Err(AuthenticateError::Unavailable(cause)),
///     }
/// });
/// # fn check(_: impl Authenticator<Principal = String>) {}
/// # check(authenticator);
/// ```
///
/// # Cancel safety
/// The closure's future is dropped when the client leaves or when admission takes longer than its
/// deadline. It must not leave anything behind that only its end would undo.
///
/// # Security
/// Nobody else judges the credential. Compare secrets in constant time, or look up their hashes.
pub fn authenticate_fn<F, Fut, P>(authenticate: F) -> AuthenticateFn<F>
where
    F: Fn(Handshake) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Grant<P>, AuthenticateError>> + Send,
    P: Send + Sync + 'static,
{
    AuthenticateFn { authenticate }
}

/// The authenticator that [`authenticate_fn`] makes.
///
/// # Examples
/// ```
/// use doorward_auth::{Grant, authenticate_fn};
///
/// let guest = authenticate_fn(|_| async { Ok(Grant::new((), "guest")) });
/// assert_eq!(format!("{guest:?}"), "AuthenticateFn { .. }");
/// ```
#[derive(Clone, Copy)]
#[must_use = "it authenticates nobody until a server is built with it"]
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

/// Says nothing of what the closure holds: it may be a key.
impl<F> fmt::Debug for AuthenticateFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthenticateFn").finish_non_exhaustive()
    }
}
