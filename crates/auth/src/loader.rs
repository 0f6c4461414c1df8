//! Turns verified claims into the application's own user.
//!
//! The lookup runs after the token was found good, so a stranger cannot make it run. Nothing is
//! kept: every CONNECT asks again.
//! Start reading at [`UserLoader`].

use std::{fmt, future::Future, sync::Arc};

use doorward_core::{
    AuthenticateError, Authenticator, BoxError, Grant, Handshake, Refusal, RefusalReason,
};

use crate::{Claims, Jwt};

/// Finds the user that a token speaks for.
///
/// Closures that take [`Claims`] by value are loaders; implement the trait where the lookup has
/// state.
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
/// # drop(jwt);
/// # Ok::<_, doorward_auth::KeyError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not find the user of a token",
    note = "implement `UserLoader`, or pass a closure: `|claims: Claims| async move {{ Ok(Some(user)) }}`"
)]
pub trait UserLoader: Send + Sync + 'static {
    /// Whom the server acts for: the application's own type.
    type User: Send + Sync + 'static;

    /// Looks the user up. `None` refuses the client, and it cannot tell that from a bad token.
    ///
    /// # Errors
    /// Any error means that the question could not be answered (the database is away): nothing is
    /// decided, the transport ends and the client tries again. "No such user" is no error.
    ///
    /// # Cancel safety
    /// The future is dropped when the client leaves or when admission takes longer than its
    /// deadline (5 s by default). A lookup has nothing to undo.
    fn load(
        &self,
        claims: &Claims,
    ) -> impl Future<Output = Result<Option<Self::User>, BoxError>> + Send;
}

impl<F, Fut, U> UserLoader for F
where
    F: Fn(Claims) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<U>, BoxError>> + Send,
    U: Send + Sync + 'static,
{
    type User = U;

    fn load(&self, claims: &Claims) -> impl Future<Output = Result<Option<U>, BoxError>> + Send {
        self(claims.clone())
    }
}

/// A loader that handlers use too.
impl<L: UserLoader> UserLoader for Arc<L> {
    type User = L::User;

    fn load(
        &self,
        claims: &Claims,
    ) -> impl Future<Output = Result<Option<L::User>, BoxError>> + Send {
        L::load(self, claims)
    }
}

/// A [`Jwt`] with the application's user behind it: what [`Jwt::load`] makes.
///
/// A user that the loader does not know is refused as `unauthenticated`, with the reason
/// `user_unknown` in the audit record only.
///
/// # Examples
/// ```
/// use doorward_auth::{Authenticator, Claims, Jwt};
///
/// let jwt = Jwt::hs256("4fzGDmbc1gPDeSsCcEOgxE8uSNmuXZcT")?
///     .load(|claims: Claims| async move { Ok(claims.subject().parse::<u64>().ok()) });
/// # fn check(_: impl Authenticator<Principal = u64>) {}
/// # check(jwt);
/// # Ok::<_, doorward_auth::KeyError>(())
/// ```
#[derive(Clone)]
#[must_use = "it authenticates nobody until a server is built with it"]
pub struct Loaded<L> {
    pub(crate) jwt: Jwt,
    pub(crate) loader: L,
}

impl<L: UserLoader> Authenticator for Loaded<L> {
    type Principal = L::User;

    async fn authenticate(
        &self,
        handshake: Handshake,
    ) -> Result<Grant<L::User>, AuthenticateError> {
        let grant = self.jwt.authenticate(handshake).await?;
        let user = self
            .loader
            .load(&grant.principal)
            .await
            .map_err(AuthenticateError::Unavailable)?
            .ok_or_else(|| Refusal::unauthenticated(RefusalReason::UserUnknown))?;
        Ok(grant.with_principal(user))
    }
}

/// Says nothing of what the loader holds: it may be the password of a database.
impl<L> fmt::Debug for Loaded<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("jwt", &self.jwt).finish_non_exhaustive()
    }
}
