//! Creates an authenticator from a closure and a state, such as a database pool.

use std::future::Future;

use doorward_core::{AuthenticateError, Authenticator, Grant, Handshake};

/// Creates an authenticator from a closure that receives a clone of `state`, such as a database pool,
/// with each handshake.
///
/// It does the same as [`authenticate_fn`](crate::authenticate_fn()), without a clone in the closure
/// and another one in its future.
///
/// # Examples
/// ```
/// use std::{collections::HashMap, sync::Arc};
/// use doorward_auth::{Grant, Refusal, RefusalReason, authenticate_with};
///
/// /// Users by the SHA-256 of their API keys.
/// type Users = Arc<HashMap<[u8; 32], String>>;
///
/// fn hash(key: &str) -> [u8; 32] {
///     // ..
/// #   [0; 32]
/// }
///
/// let users = Users::default();
/// let authenticator = authenticate_with(users, |users: Users, handshake| async move {
///     let refused = |reason| Refusal::unauthenticated(reason);
///     let key = handshake.auth.get_str("apiKey");
///     let key = key.ok_or_else(|| refused(RefusalReason::CredentialMissing))?;
///     let user = users.get(&hash(key));
///     let user = user.ok_or_else(|| refused(RefusalReason::UserUnknown))?;
///     Ok(Grant::new(user.clone(), user.as_str()))
/// });
/// ```
///
/// # Cancel safety
/// Same as [`authenticate_fn`](crate::authenticate_fn()).
///
/// # Security
/// No other code checks the credential. Compare secrets in constant time, or look up their hashes.
pub fn authenticate_with<S, F, Fut, P>(state: S, authenticate: F) -> AuthenticateWith<S, F>
where
    S: Clone + Send + Sync + 'static,
    F: Fn(S, Handshake) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Grant<P>, AuthenticateError>> + Send,
    P: Send + Sync + 'static,
{
    AuthenticateWith { state, authenticate }
}

/// Authenticator that [`authenticate_with`] returns.
///
/// # Examples
/// ```
/// use doorward_auth::{Grant, authenticate_with};
///
/// let guests = authenticate_with("guest", |name, _| async move { Ok(Grant::new((), name)) });
/// assert_eq!(format!("{guests:?}"), "AuthenticateWith { .. }");
/// ```
#[derive(Clone, Copy)]
#[must_use = "an authenticator has no effect until a server is built with it"]
pub struct AuthenticateWith<S, F> {
    state: S,
    authenticate: F,
}

impl<S, F, Fut, P> Authenticator for AuthenticateWith<S, F>
where
    S: Clone + Send + Sync + 'static,
    F: Fn(S, Handshake) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Grant<P>, AuthenticateError>> + Send,
    P: Send + Sync + 'static,
{
    type Principal = P;

    fn authenticate(
        &self,
        handshake: Handshake,
    ) -> impl Future<Output = Result<Grant<P>, AuthenticateError>> + Send {
        (self.authenticate)(self.state.clone(), handshake)
    }
}

// State and closure are not printed, because they may hold a secret.
doorward_core::debug_fields!(AuthenticateWith < S, F > {});
