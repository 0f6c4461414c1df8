//! Authenticator that loads the user after it has verified the credential.

use std::{fmt, future::Future, sync::Arc};

use doorward_core::{
    AuthenticateError, Authenticator, Grant, Handshake, Refusal, RefusalReason, Reload, SessionId,
    UserId,
};

use crate::{
    credential::shown::{Shown, ShowsCredential},
    jwt::authenticator::Jwt,
    load::loader::UserLoader,
};

/// Authenticator that verifies a credential and then loads the application's user. The `load`
/// methods of authenticators, such as [`Jwt::load`], return this type.
///
/// If the loader returns `None`, the client is refused as `unauthenticated`. Only the audit record
/// contains the reason `user_unknown`. The loader runs again when the user's rights change
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
        // The credential is verified first, because an unauthenticated client must not trigger a
        // lookup.
        let grant = self.authenticator.authenticate(handshake).await?;
        let user = self.loader.load(&grant.principal).await;
        let user = user.map_err(AuthenticateError::Unavailable)?;
        let user = user.ok_or_else(|| Refusal::unauthenticated(RefusalReason::UserUnknown))?;
        let reload = reload(&self.loader, grant.principal.clone());
        Ok(grant.with_principal(user).reload(reload))
    }

    fn recognise(&self, handshake: &Handshake) -> Option<UserId> {
        self.authenticator.recognise(handshake)
    }

    async fn session_of(
        &self,
        handshake: &Handshake,
    ) -> Result<Option<SessionId>, AuthenticateError> {
        self.authenticator.session_of(handshake).await
    }
}

/// Reports the credential of the wrapped authenticator.
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

/// Omits the loader, which may hold a secret such as a database password.
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
