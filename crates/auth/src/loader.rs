//! Loads the application's own user for a verified credential.
//!
//! The lookup runs only after the credential was verified, so an unauthenticated client cannot
//! trigger it. Results are not cached: every CONNECT runs the lookup, and so does every change of
//! the user's rights.
//! Start reading at [`UserLoader`].

use std::{fmt, future::Future, sync::Arc};

use doorward_core::{
    AuthenticateError, Authenticator, BoxError, Grant, Handshake, Refusal, RefusalReason, Reload,
    UserId,
};

use crate::{Claims, Jwt, Shown, ShowsCredential, SignedIn};

/// Loads the user of a credential. `C` is the verified credential: [`Claims`] of a token or
/// [`SignedIn`] of a session.
///
/// Closures that take a `C` by value are loaders. Implement the trait for a lookup with state. For
/// a lookup that needs only the user's id, [`user_by_id`] serves tokens and sessions alike.
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

/// A verified credential that names a user.
///
/// # Examples
/// ```
/// use doorward_auth::{Claims, NamesUser};
///
/// fn name(claims: &Claims) -> &str {
///     claims.user_id().as_str()
/// }
/// ```
pub trait NamesUser: Send + Sync + 'static {
    /// Returns the id of the user.
    fn user_id(&self) -> &UserId;
}

impl NamesUser for Claims {
    fn user_id(&self) -> &UserId {
        &self.subject
    }
}

impl NamesUser for SignedIn {
    fn user_id(&self) -> &UserId {
        self.user()
    }
}

/// Makes a loader of a closure that needs only the user's id. It serves tokens and sessions.
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
    C: NamesUser,
    F: Fn(UserId) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<U>, BoxError>> + Send,
    U: Send + Sync + 'static,
{
    type User = U;

    fn load(&self, credential: &C) -> impl Future<Output = Result<Option<U>, BoxError>> + Send {
        (self.load)(credential.user_id().clone())
    }
}

/// Prints nothing that the closure holds.
impl<F> fmt::Debug for UserById<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserById").finish_non_exhaustive()
    }
}

/// Authenticator that loads the application's user. Returned by [`Jwt::load`] and the `load`
/// methods of other authenticators.
///
/// If the loader returns `None`, the client is refused as `unauthenticated`; only the audit record
/// has the reason `user_unknown`. The loader runs again when the user's rights change
/// ([`Grant::reload`]).
///
/// # Examples
/// ```
/// use doorward_auth::{Claims, Jwt};
///
/// let jwt = Jwt::hs256("4fzGDmbc1gPDeSsCcEOgxE8uSNmuXZcT")?
///     .load(|claims: Claims| async move { Ok(claims.subject().parse::<u64>().ok()) });
/// # Ok::<_, doorward_auth::KeyError>(())
/// ```
#[must_use = "an authenticator has no effect until a server is built with it"]
pub struct Loaded<L, A = Jwt> {
    authenticator: A,
    loader: Arc<L>,
}

impl<L, A> Loaded<L, A> {
    pub(crate) fn new(authenticator: A, loader: L) -> Self {
        Self { authenticator, loader: Arc::new(loader) }
    }
}

impl<L, A> Authenticator for Loaded<L, A>
where
    A: Authenticator<Principal: Clone>,
    L: UserLoader<A::Principal>,
{
    type Principal = L::User;

    async fn authenticate(
        &self,
        handshake: Handshake,
    ) -> Result<Grant<L::User>, AuthenticateError> {
        // Verify first: an unauthenticated client must not trigger a lookup.
        let grant = self.authenticator.authenticate(handshake).await?;
        let user = self
            .loader
            .load(&grant.principal)
            .await
            .map_err(AuthenticateError::Unavailable)?
            .ok_or_else(|| Refusal::unauthenticated(RefusalReason::UserUnknown))?;
        let reload = reload(&self.loader, grant.principal.clone());
        Ok(grant.with_principal(user).reload(reload))
    }

    fn recognise(&self, handshake: &Handshake) -> Option<UserId> {
        self.authenticator.recognise(handshake)
    }
}

/// Delegates to the wrapped authenticator.
impl<L, A> ShowsCredential for Loaded<L, A>
where
    A: ShowsCredential<Principal: Clone>,
    L: UserLoader<A::Principal>,
{
    fn shown(&self, handshake: &Handshake) -> Shown {
        self.authenticator.shown(handshake)
    }

    fn owner(
        &self,
        handshake: &Handshake,
    ) -> impl Future<Output = Result<Option<UserId>, AuthenticateError>> + Send {
        self.authenticator.owner(handshake)
    }
}

impl<L, A: Clone> Clone for Loaded<L, A> {
    fn clone(&self) -> Self {
        Self { authenticator: self.authenticator.clone(), loader: Arc::clone(&self.loader) }
    }
}

/// Prints nothing that the loader holds, such as a database password.
impl<L, A: fmt::Debug> fmt::Debug for Loaded<L, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("authenticator", &self.authenticator).finish_non_exhaustive()
    }
}

/// Returns a function that runs the loader again with the same credential.
fn reload<C, L>(loader: &Arc<L>, credential: C) -> Reload<L::User>
where
    C: Send + Sync + 'static,
    L: UserLoader<C>,
{
    let (loader, credential) = (Arc::clone(loader), Arc::new(credential));
    Arc::new(move || {
        let (loader, credential) = (Arc::clone(&loader), Arc::clone(&credential));
        Box::pin(async move { loader.load(&credential).await })
    })
}
