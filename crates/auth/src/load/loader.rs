//! Trait that applications implement to load a user.

use std::{future::Future, sync::Arc};

use doorward_core::BoxError;

use crate::jwt::claims::Claims;

/// Loads the application's user for a verified credential. `C` is [`Claims`] for a token, or
/// [`SignedIn`](crate::SignedIn) for a session.
///
/// Closures that take a `C` by value are loaders. Implement the trait for a lookup that has state.
/// If the lookup needs only the user's id, use [`user_by_id`](crate::user_by_id), whose loader
/// accepts both tokens and sessions.
///
/// # Examples
/// ```
/// use std::collections::HashMap;
/// use doorward_auth::{BoxError, Claims, Jwt, UserLoader};
///
/// struct Users(HashMap<String, u64>);
///
/// impl UserLoader for Users {
///     type User = u64;
///
///     async fn load(&self, claims: &Claims) -> Result<Option<u64>, BoxError> {
///         Ok(self.0.get(claims.subject()).copied())
///     }
/// }
///
/// let jwt = Jwt::hs256("4fzGDmbc1gPDeSsCcEOgxE8uSNmuXZcT")?.load(Users(HashMap::new()));
/// # Ok::<_, doorward_auth::KeyError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not find the user of a credential (`{C}`)",
    note = "implement `UserLoader`, or pass a closure: `|claims: Claims| async move {{ Ok(Some(user)) }}`"
)]
pub trait UserLoader<C = Claims>: Send + Sync + 'static {
    /// The application's own type for a user. It is the principal of the user's sockets.
    type User: Send + Sync + 'static;

    /// Returns the user that a verified credential names. Return `None` if the application does not
    /// know the user. The client is then refused, with the same answer as for a bad credential.
    ///
    /// # Errors
    /// Return an error if the lookup failed, for example because the database is down. The client
    /// is then neither accepted nor refused. The transport closes and the client reconnects. For an
    /// unknown user, return `Ok(None)`.
    ///
    /// # Cancel safety
    /// The future is dropped if the client disconnects or if admission exceeds its deadline (5 s by
    /// default). The lookup should only read, so that nothing has to be undone.
    fn load(
        &self,
        credential: &C,
    ) -> impl Future<Output = Result<Option<Self::User>, BoxError>> + Send;
}

impl<C, F, Fut, U> UserLoader<C> for F
where
    C: Clone,
    F: Fn(C) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<U>, BoxError>> + Send,
    U: Send + Sync + 'static,
{
    type User = U;

    fn load(&self, credential: &C) -> impl Future<Output = Result<Option<U>, BoxError>> + Send {
        self(credential.clone())
    }
}

/// Allows several authenticators and handlers to share one loader.
impl<C, L: UserLoader<C>> UserLoader<C> for Arc<L> {
    type User = L::User;

    fn load(
        &self,
        credential: &C,
    ) -> impl Future<Output = Result<Option<L::User>, BoxError>> + Send {
        L::load(self, credential)
    }
}
