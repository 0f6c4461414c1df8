//! Lookup of a user, as the application implements it.

use std::{future::Future, sync::Arc};

use doorward_core::BoxError;

use crate::jwt::claims::Claims;

/// Loads the user of a credential. `C` is the verified credential: [`Claims`] of a token or
/// [`SignedIn`](crate::SignedIn) of a session.
///
/// Closures that take a `C` by value are loaders. Implement the trait for a lookup with state. For
/// a lookup that needs only the user's id, [`user_by_id`](crate::user_by_id) serves tokens and sessions alike.
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
    /// The application's own type for a user, the principal of its sockets.
    type User: Send + Sync + 'static;

    /// Looks up the user. `None` refuses the client, which cannot tell this from a bad credential.
    ///
    /// # Errors
    /// Return an error if the lookup failed, for example because the database is down. The client
    /// is then neither accepted nor refused: the transport closes and the client retries. An
    /// unknown user is not an error.
    ///
    /// # Cancel safety
    /// The future is dropped if the client disconnects or if admission exceeds its deadline (5 s by
    /// default). A lookup has nothing to undo.
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

/// A loader that is shared with handlers.
impl<C, L: UserLoader<C>> UserLoader<C> for Arc<L> {
    type User = L::User;

    fn load(
        &self,
        credential: &C,
    ) -> impl Future<Output = Result<Option<L::User>, BoxError>> + Send {
        L::load(self, credential)
    }
}
