//! Loader that needs only the id of the user. It serves both tokens and sessions.

use std::future::Future;

use doorward_core::{BoxError, UserId};

use crate::{jwt::claims::Claims, load::loader::UserLoader, session::signed_in::SignedIn};

/// Verified credential that names a user.
///
/// # Examples
/// ```
/// use doorward_auth::{Claims, HasUserId};
///
/// fn name(claims: &Claims) -> &str {
///     claims.user_id().as_str()
/// }
/// ```
pub trait HasUserId: Send + Sync + 'static {
    /// Returns the id of the user that the credential names.
    fn user_id(&self) -> &UserId;
}

impl HasUserId for Claims {
    fn user_id(&self) -> &UserId {
        &self.subject
    }
}

impl HasUserId for SignedIn {
    fn user_id(&self) -> &UserId {
        self.user()
    }
}

/// Creates a loader from a closure that needs only the user's id. The loader accepts both tokens
/// and sessions.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use doorward_auth::{Authenticator, FirstOf, KeyError, Jwt, SessionCookie, user_by_id};
///
/// fn authenticator(cookie: SessionCookie) -> Result<impl Authenticator<Principal = u64>, KeyError> {
///     let users = Arc::new(user_by_id(|id| async move { Ok(id.as_str().parse().ok()) }));
///     let jwt = Jwt::hs256("4fzGDmbc1gPDeSsCcEOgxE8uSNmuXZcT")?.load(Arc::clone(&users));
///     Ok(FirstOf::new(jwt).or(cookie.load(users)))
/// }
/// ```
pub fn user_by_id<F, Fut, U>(load: F) -> UserById<F>
where
    F: Fn(UserId) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<U>, BoxError>> + Send,
    U: Send + Sync + 'static,
{
    UserById { load }
}

/// Loader that [`user_by_id`] returns.
///
/// # Examples
/// ```
/// use doorward_auth::user_by_id;
///
/// let users = user_by_id(|id| async move { Ok(Some(id)) });
/// assert_eq!(format!("{users:?}"), "UserById { .. }");
/// ```
#[derive(Clone, Copy)]
#[must_use = "a loader has no effect until it is passed to an authenticator"]
pub struct UserById<F> {
    load: F,
}

impl<C, F, Fut, U> UserLoader<C> for UserById<F>
where
    C: HasUserId,
    F: Fn(UserId) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<U>, BoxError>> + Send,
    U: Send + Sync + 'static,
{
    type User = U;

    fn load(&self, credential: &C) -> impl Future<Output = Result<Option<U>, BoxError>> + Send {
        (self.load)(credential.user_id().clone())
    }
}

// The closure is not printed, because it may hold a secret.
doorward_core::debug_fields!(UserById<F> {});
