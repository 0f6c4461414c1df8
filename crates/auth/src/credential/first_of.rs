//! Chooses one of several credentials.
//!
//! An explicit credential of the client's program takes precedence over the cookie that the browser
//! adds. If the explicit credential is bad, the cookie is not tried. Credentials that could name
//! two users are refused. Start reading at [`FirstOf`]'s `authenticate`.

use std::fmt;

use doorward_core::{
    AuthenticateError, Authenticator, BoxFuture, Grant, Handshake, Part, Problem, Refusal,
    RefusalReason, SessionId, UserId,
};

use crate::credential::{
    denied::Denied,
    explicit::{AMBIGUOUS, MISSING, count_explicit},
    shown::{Shown, ShowsCredential},
};

/// Authenticator that accepts several kinds of credential. A client sends one of them.
///
/// - An explicit credential (`auth.token`, `auth.sessionToken`) takes precedence over the cookie,
///   which is ambient.
/// - Two explicit credentials are refused. An explicit credential and a cookie that belong to
///   different users are refused too.
/// - If a credential is bad, the client is refused, and no other credential is tried.
///
/// All authenticators must have the same principal type. To achieve this, give each of them the
/// same loader, such as [`user_by_id`](crate::user_by_id).
///
/// # Examples
/// ```
/// use doorward_auth::{Authenticator, FirstOf, SessionCookie, SessionCredential, SignedIn};
///
/// fn authenticator(
///     credential: SessionCredential,
///     cookie: SessionCookie,
/// ) -> impl Authenticator<Principal = SignedIn> {
///     FirstOf::new(credential).or(cookie)
/// }
/// ```
#[must_use = "an authenticator has no effect until a server is built with it"]
pub struct FirstOf<P> {
    members: Vec<Box<dyn Member<P>>>,
}

impl<P: Send + Sync + 'static> FirstOf<P> {
    /// Creates an authenticator that accepts one kind of credential. Add further kinds with
    /// [`or`](Self::or).
    pub fn new(authenticator: impl ShowsCredential<Principal = P>) -> Self {
        Self { members: vec![Box::new(authenticator)] }
    }

    /// Adds an authenticator for another kind of credential. The order of the authenticators does
    /// not matter.
    pub fn or(mut self, authenticator: impl ShowsCredential<Principal = P>) -> Self {
        self.members.push(Box::new(authenticator));
        self
    }

    /// Returns the members whose credentials the handshake contains. Fails if it contains more than
    /// one explicit credential or more than one ambient credential.
    fn choose(&self, handshake: &Handshake) -> Result<Chosen<'_, P>, Denied> {
        let only = |kind: Shown| {
            let mut shown = self.members.iter().filter(|member| member.shown(handshake) == kind);
            match (shown.next(), shown.next()) {
                (_, Some(_)) => Err(AMBIGUOUS),
                (member, None) => Ok(member.map(|member| &**member)),
            }
        };
        // Explicit credentials count even if no member reads them.
        if count_explicit(&handshake.auth) > 1 {
            return Err(AMBIGUOUS);
        }
        Ok(Chosen { explicit: only(Shown::Explicit)?, ambient: only(Shown::Ambient)? })
    }
}

/// Members whose credentials a handshake contains, by the party that added the credential.
struct Chosen<'a, P> {
    explicit: Option<&'a dyn Member<P>>,
    ambient: Option<&'a dyn Member<P>>,
}

impl<P: Send + Sync + 'static> Authenticator for FirstOf<P> {
    type Principal = P;

    async fn authenticate(&self, handshake: Handshake) -> Result<Grant<P>, AuthenticateError> {
        let Chosen { explicit, ambient } = self.choose(&handshake).map_err(Refusal::from)?;
        match (explicit, ambient) {
            (None, None) => Err(Refusal::from(MISSING).into()),
            (Some(only), None) | (None, Some(only)) => only.authenticate(handshake).await,
            (Some(explicit), Some(ambient)) => {
                // The explicit credential is verified first, so that a bad one is refused
                // regardless of the cookie.
                let grant = explicit.authenticate(handshake.clone()).await?;
                // A cookie that is invalid or belongs to the same user is ignored.
                match ambient.owner(&handshake).await? {
                    Some(owner) if owner != grant.user => Err(Refusal::from(OTHER_COOKIE).into()),
                    _ => Ok(grant),
                }
            }
        }
    }

    /// Recognises the user by the explicit credential, or by the ambient credential if there is no
    /// explicit one. Returns `None` if the credentials are ambiguous, or if the chosen
    /// authenticator does not recognise the user.
    fn recognise(&self, handshake: &Handshake) -> Option<UserId> {
        let Chosen { explicit, ambient } = self.choose(handshake).ok()?;
        explicit.or(ambient)?.recognise(handshake)
    }

    /// Returns the session of the ambient credential. Returns `None` if there are several.
    async fn session_of(
        &self,
        handshake: &Handshake,
    ) -> Result<Option<SessionId>, AuthenticateError> {
        match self.choose(handshake) {
            Ok(Chosen { ambient: Some(ambient), .. }) => ambient.session_of(handshake).await,
            _ => Ok(None),
        }
    }
}

impl<P: Send + Sync + 'static> ShowsCredential for FirstOf<P> {
    fn shown(&self, handshake: &Handshake) -> Shown {
        let shown =
            |kind: &Shown| self.members.iter().any(|member| member.shown(handshake) == *kind);
        [Shown::Explicit, Shown::Ambient].into_iter().find(shown).unwrap_or(Shown::Absent)
    }
}

impl<P> fmt::Debug for FirstOf<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirstOf").field("members", &self.members.len()).finish()
    }
}

/// Refusal of a cookie that belongs to another user than the explicit credential.
const OTHER_COOKIE: Denied =
    Denied::new(RefusalReason::CredentialAmbiguous, Part::Header, "cookie", Problem::Mismatch);

/// Future that a member returns.
type Answer<'a, T> = BoxFuture<'a, Result<T, AuthenticateError>>;

/// Authenticator of a [`FirstOf`]. It is the object-safe form of [`ShowsCredential`].
trait Member<P>: Send + Sync {
    fn shown(&self, handshake: &Handshake) -> Shown;

    fn owner<'a>(&'a self, handshake: &'a Handshake) -> Answer<'a, Option<UserId>>;

    fn authenticate(&self, handshake: Handshake) -> Answer<'_, Grant<P>>;

    fn recognise(&self, handshake: &Handshake) -> Option<UserId>;

    fn session_of<'a>(&'a self, handshake: &'a Handshake) -> Answer<'a, Option<SessionId>>;
}

impl<A: ShowsCredential> Member<A::Principal> for A {
    fn shown(&self, handshake: &Handshake) -> Shown {
        ShowsCredential::shown(self, handshake)
    }

    fn owner<'a>(&'a self, handshake: &'a Handshake) -> Answer<'a, Option<UserId>> {
        Box::pin(ShowsCredential::owner(self, handshake))
    }

    fn authenticate(&self, handshake: Handshake) -> Answer<'_, Grant<A::Principal>> {
        Box::pin(Authenticator::authenticate(self, handshake))
    }

    fn recognise(&self, handshake: &Handshake) -> Option<UserId> {
        Authenticator::recognise(self, handshake)
    }

    fn session_of<'a>(&'a self, handshake: &'a Handshake) -> Answer<'a, Option<SessionId>> {
        Box::pin(Authenticator::session_of(self, handshake))
    }
}
