//! Creates an authenticator from a closure that looks up a cookie of the application.
//!
//! The origin of the page is checked before the closure runs, so an application cannot forget the
//! check. Start reading at [`cookie_fn`].

use std::{future::Future, sync::Arc};

use doorward_core::{
    AuthenticateError, Authenticator, BoxError, Grant, Handshake, Refusal, RefusalReason, SessionId,
};
use sha2::{Digest as _, Sha256};

use crate::{
    cookie::{
        find::{FoundCookie, find_cookie},
        origins::Origins,
        reading::{fault, read, refused},
    },
    credential::{
        explicit::{AMBIGUOUS, count_explicit},
        shown::{Shown, ShowsCredential},
    },
};

/// Creates an authenticator for browsers that are signed in to the application by a cookie of its
/// own, such as `connect.sid` or `sid`.
///
/// `look_up` receives the value of the cookie as the browser has sent it, and returns the grant of
/// its session, or `None` if there is no such session. For the sessions of Doorward, use
/// [`SessionCookie`](crate::SessionCookie).
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use doorward_auth::{Authenticator, BoxError, Grant, OriginError, Origins, cookie_fn};
///
/// struct User {
///     id: u64,
/// }
///
/// /// Looks up the session in the application's database.
/// async fn user_of(session: &str) -> Result<Option<User>, BoxError> {
///     // ..
/// #   Ok(None)
/// }
///
/// fn authenticator() -> Result<impl Authenticator<Principal = User>, OriginError> {
///     let origins = Origins::new("https://app.example.org")?;
///     Ok(cookie_fn("sid", origins, |sid| async move {
///         Ok(user_of(&sid).await?.map(|user| {
///             let id = user.id.to_string();
///             Grant::new(user, id)
///         }))
///     }))
/// }
/// ```
///
/// # Errors
/// An error of `look_up` means that the lookup failed, for example because the database is down. The
/// client is then neither accepted nor refused, and reconnects. For an unknown session, return
/// `Ok(None)`.
///
/// # Cancel safety
/// The closure's future is dropped if the client disconnects or if admission exceeds its deadline.
///
/// # Security
/// A browser adds the cookie to the requests of every page, so only pages of `origins` may use it. For
/// all other pages, the closure does not run. The socket stays connected when the session ends,
/// unless the grant has a [`Lease`](doorward_core::Lease) or an expiry, or the application revokes
/// its user or session.
pub fn cookie_fn<F, Fut, P>(
    name: impl Into<Box<str>>,
    origins: impl Into<Arc<Origins>>,
    look_up: F,
) -> CookieFn<F>
where
    F: Fn(String) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<Grant<P>>, BoxError>> + Send,
    P: Send + Sync + 'static,
{
    CookieFn { name: name.into(), origins: origins.into(), look_up }
}

/// Authenticator that [`cookie_fn`] returns.
///
/// # Examples
/// ```
/// use doorward_auth::{Grant, Origins, cookie_fn};
///
/// let origins = Origins::new("https://app.example.org")?;
/// let cookie = cookie_fn("sid", origins, |_| async { Ok(Some(Grant::new((), "guest"))) });
/// assert_eq!(format!("{cookie:?}"), r#"CookieFn { name: "sid", .. }"#);
/// # Ok::<_, doorward_auth::OriginError>(())
/// ```
#[derive(Clone)]
#[must_use = "an authenticator has no effect until a server is built with it"]
pub struct CookieFn<F> {
    name: Box<str>,
    origins: Arc<Origins>,
    look_up: F,
}

impl<F> CookieFn<F> {
    /// Returns the value of the cookie in a handshake.
    fn value(&self, handshake: &Handshake) -> Result<Option<String>, RefusalReason> {
        let (kind, headers) = (handshake.request.kind(), handshake.request.headers());
        match read(&self.origins, &self.name, kind, headers, &handshake.credentials)? {
            None => Ok(None),
            Some(value) => {
                let text = std::str::from_utf8(value)
                    .map_err(|_not_utf8| RefusalReason::SessionUnknown)?;
                Ok(Some(text.to_owned()))
            }
        }
    }
}

impl<F, Fut, P> CookieFn<F>
where
    F: Fn(String) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<Grant<P>>, BoxError>> + Send,
    P: Send + Sync + 'static,
{
    async fn look_up(&self, value: String) -> Result<Grant<P>, AuthenticateError> {
        let found = (self.look_up)(value).await.map_err(AuthenticateError::Unavailable)?;
        found.ok_or_else(|| Refusal::unauthenticated(RefusalReason::SessionUnknown).into())
    }
}

impl<F, Fut, P> Authenticator for CookieFn<F>
where
    F: Fn(String) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<Grant<P>>, BoxError>> + Send,
    P: Send + Sync + 'static,
{
    type Principal = P;

    async fn authenticate(&self, handshake: Handshake) -> Result<Grant<P>, AuthenticateError> {
        let value =
            self.value(&handshake).and_then(|value| value.ok_or(RefusalReason::CredentialMissing));
        let value = value.map_err(|reason| refused(reason, &handshake))?;
        // The client sent an explicit credential that this authenticator does not read. The cookie
        // must not authenticate the client instead.
        if count_explicit(&handshake.auth) > 0 {
            return Err(Refusal::from(AMBIGUOUS).into());
        }
        self.look_up(value).await
    }

    /// Returns the session of the grant. Without a session, returns the SHA-256 of the cookie.
    async fn session_of(
        &self,
        handshake: &Handshake,
    ) -> Result<Option<SessionId>, AuthenticateError> {
        let value = match self.value(handshake) {
            Ok(None) => return Ok(None),
            Ok(Some(value)) => value,
            Err(reason) => {
                return Err(Refusal::unauthenticated(reason).about(fault(reason)).into());
            }
        };
        let hash: [u8; 32] = Sha256::digest(&value).into();
        let grant = self.look_up(value).await?;
        let by_cookie = || SessionId::new(hash.map(|byte| format!("{byte:02x}")).concat());
        Ok(Some(grant.session.unwrap_or_else(by_cookie)))
    }
}

impl<F, Fut, P> ShowsCredential for CookieFn<F>
where
    F: Fn(String) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<Grant<P>>, BoxError>> + Send,
    P: Send + Sync + 'static,
{
    fn shown(&self, handshake: &Handshake) -> Shown {
        match find_cookie(&handshake.credentials, &self.name) {
            FoundCookie::Nothing => Shown::Absent,
            _ => Shown::Ambient,
        }
    }
}

// The closure is not printed, because it may hold a secret.
doorward_core::debug_fields!(CookieFn<F> { name });
