//! Turns what a credential says into the application's own user.
//!
//! The lookup runs after the credential was found good, so a stranger cannot make it run. Nothing is
//! kept: every CONNECT asks again, and so does every change of the user's rights.
//! Start reading at [`UserLoader`].

use std::{fmt, future::Future, sync::Arc};

use doorward_core::{
    AuthenticateError, Authenticator, BoxError, Grant, Handshake, Refusal, RefusalReason, Reload,
    UserId,
};

use crate::{Claims, Jwt, Shown, ShowsCredential, SignedIn};

/// Finds the user that a credential speaks for: `C` is what the credential says, [`Claims`] of a token
/// or [`SignedIn`] of a session.
///
/// Closures that take a `C` by value are loaders; implement the trait where the lookup has state. What
/// only needs the user's id serves both: [`user_by_id`].
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
    message = "`{Self}` does not find the user of a credential (`{C}`)",
    note = "implement `UserLoader`, or pass a closure: `|claims: Claims| async move {{ Ok(Some(user)) }}`"
)]
pub trait UserLoader<C = Claims>: Send + Sync + 'static {
    /// Whom the server acts for: the application's own type.
    type User: Send + Sync + 'static;

    /// Looks the user up. `None` refuses the client, and it cannot tell that from a bad credential.
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

/// A loader that handlers use too.
impl<C, L: UserLoader<C>> UserLoader<C> for Arc<L> {
    type User = L::User;

    fn load(
        &self,
        credential: &C,
    ) -> impl Future<Output = Result<Option<L::User>, BoxError>> + Send {
        L::load(self, credential)
    }
}

/// What names a user, whatever credential it stands for.
///
/// # Examples
/// ```
/// use doorward_auth::{Claims, NamesUser};
///
/// fn name(claims: &Claims) -> &str {
///     claims.user_id().as_str()
/// }
/// # drop(name);
/// ```
pub trait NamesUser: Send + Sync + 'static {
    /// The user.
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

/// Makes a loader out of a closure that needs nothing but the user's id. It serves tokens and sessions.
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
/// # drop(authenticator);
/// ```
pub fn user_by_id<F, Fut, U>(load: F) -> UserById<F>
where
    F: Fn(UserId) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<U>, BoxError>> + Send,
    U: Send + Sync + 'static,
{
    UserById { load }
}

/// The loader that [`user_by_id`] makes.
///
/// # Examples
/// ```
/// use doorward_auth::user_by_id;
///
/// let users = user_by_id(|id| async move { Ok(Some(id)) });
/// assert_eq!(format!("{users:?}"), "UserById { .. }");
/// ```
#[derive(Clone, Copy)]
#[must_use = "it finds nobody until an authenticator loads with it"]
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

/// Says nothing of what the closure holds.
impl<F> fmt::Debug for UserById<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserById").finish_non_exhaustive()
    }
}

/// An authenticator with the application's user behind it: what [`Jwt::load`] makes, and the `load` of
/// the others.
///
/// A user that the loader does not know is refused as `unauthenticated`, with the reason
/// `user_unknown` in the audit record only. When the user's rights have changed the loader is asked
/// again ([`Grant::reload`]).
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
#[must_use = "it authenticates nobody until a server is built with it"]
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

/// It looks at what the authenticator inside looks at.
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

/// Says nothing of what the loader holds: it may be the password of a database.
impl<L, A: fmt::Debug> fmt::Debug for Loaded<L, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("authenticator", &self.authenticator).finish_non_exhaustive()
    }
}

/// Asks the loader again, with what the credential said.
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
