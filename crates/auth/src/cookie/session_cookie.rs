//! Authenticates browsers by their session cookie.
//!
//! A cookie is accepted only if the request comes from an allowed page (`origins`). Otherwise the
//! client receives the same answer as a client without a cookie. The audit record and a log line
//! show the difference. Start reading at [`SessionCookie::token`].

use std::sync::Arc;

use doorward_core::{
    AuthenticateError, Authenticator, Grant, Handshake, Headers, Refusal, RefusalReason,
    RequestKind, SessionId, SessionToken, UserId,
};

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
    session::{
        sessions::{Sessions, error::VerifySessionError},
        signed_in::{SignedIn, grant},
    },
};

/// Authenticates browsers that send a session cookie from a page of an allowed origin.
///
/// A link (one Engine.IO connection) keeps the cookie with which it was opened, so the client must
/// open a new link after it signs in or out. The sockets on the link close when the session ends.
///
/// | setting | default |
/// |---|---|
/// | [`name`](SessionCookie::name) | `__Host-doorward` |
/// | [`same_site_strict`](SessionCookie::same_site_strict) | no: `SameSite=Lax` |
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use doorward_auth::{Authenticator, OriginError, Origins, SessionCookie, Sessions, SignedIn};
///
/// fn authenticator(
///     sessions: Arc<Sessions>,
/// ) -> Result<impl Authenticator<Principal = SignedIn>, OriginError> {
///     let origins = Origins::new("https://app.example.org")?;
///     Ok(SessionCookie::new(sessions, Arc::new(origins)))
/// }
/// ```
///
/// # Security
/// Browsers reject a cookie with a `__Host-` name if another host sets it, if the connection is not
/// secure, or if it is limited to a path (RFC 6265bis section 4.1.3.2). They accept it on
/// `http://localhost`.
#[derive(Clone, Debug)]
#[must_use = "an authenticator has no effect until a server is built with it"]
pub struct SessionCookie {
    sessions: Arc<Sessions>,
    origins: Arc<Origins>,
    name: Box<str>,
    same_site: &'static str,
}

impl SessionCookie {
    /// Creates an authenticator that accepts the cookies of `sessions` from pages of `origins`.
    pub fn new(sessions: Arc<Sessions>, origins: Arc<Origins>) -> Self {
        Self { sessions, origins, name: "__Host-doorward".into(), same_site: "Lax" }
    }

    /// Sets the name of the cookie. Two servers on one host need different names.
    ///
    /// # Errors
    /// [`CookieNameError`] if the name is not `__Host-` followed by 1-64 ASCII letters, digits, `-`
    /// or `_`.
    pub fn name(self, name: &str) -> Result<Self, CookieNameError> {
        // Without the prefix, another host of the site could set a cookie with this name.
        let own = name.strip_prefix("__Host-").unwrap_or_default();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if !(1..=64).contains(&own.len()) || !own.bytes().all(is_plain) {
            return Err(CookieNameError(()));
        }
        Ok(Self { name: name.into(), ..self })
    }

    /// Sets `SameSite=Strict`, so that browsers omit the cookie from every request that another
    /// site causes, including links. A user who follows a link to this server appears to be signed
    /// out until the page itself sends a request.
    pub fn same_site_strict(self) -> Self {
        Self { same_site: "Strict", ..self }
    }

    /// Returns the value of the `Set-Cookie` header that signs a browser in. The browser keeps the
    /// cookie until the browser closes.
    #[must_use]
    pub fn set_cookie(&self, token: &SessionToken) -> String {
        self.write(&token.expose(), "")
    }

    /// Returns the value of the `Set-Cookie` header that signs a browser out.
    #[must_use]
    pub fn clear_cookie(&self) -> String {
        self.write("", "; Max-Age=0")
    }

    /// Returns the session token in the cookie of a request. Returns `None` if the request has no
    /// session cookie.
    ///
    /// The token is not verified yet. `headers` contains the origin of the request, and
    /// `credentials` contains its cookies. [`Headers::split`] returns both.
    ///
    /// # Errors
    /// - [`RefusalReason::OriginForbidden`]: the page may not use the cookie.
    /// - [`RefusalReason::CredentialAmbiguous`]: the cookie occurs several times.
    /// - [`RefusalReason::SessionUnknown`]: the value is not a session token.
    pub fn token(
        &self,
        kind: RequestKind,
        headers: &Headers,
        credentials: &Headers,
    ) -> Result<Option<SessionToken>, RefusalReason> {
        match read(&self.origins, &self.name, kind, headers, credentials)? {
            None => Ok(None),
            Some(value) => {
                let token = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                token.map(Some).ok_or(RefusalReason::SessionUnknown)
            }
        }
    }

    fn token_of(&self, handshake: &Handshake) -> Result<SessionToken, RefusalReason> {
        let (kind, headers) = (handshake.request.kind(), handshake.request.headers());
        self.token(kind, headers, &handshake.credentials)?.ok_or(RefusalReason::CredentialMissing)
    }

    fn write(&self, value: &str, more: &str) -> String {
        let Self { name, same_site, .. } = self;
        format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite={same_site}{more}")
    }
}

impl Authenticator for SessionCookie {
    type Principal = SignedIn;

    async fn authenticate(
        &self,
        handshake: Handshake,
    ) -> Result<Grant<SignedIn>, AuthenticateError> {
        let token = self.token_of(&handshake).map_err(|reason| refused(reason, &handshake))?;
        // The client sent an explicit credential that this authenticator does not read. The cookie
        // must not authenticate the client instead.
        if count_explicit(&handshake.auth) > 0 {
            return Err(Refusal::from(AMBIGUOUS).into());
        }
        let session = self.sessions.verify(&token).await?;
        Ok(grant(&self.sessions, session, handshake.at))
    }

    async fn session_of(
        &self,
        handshake: &Handshake,
    ) -> Result<Option<SessionId>, AuthenticateError> {
        let token = match self.token_of(handshake) {
            Ok(token) => token,
            Err(RefusalReason::CredentialMissing) => return Ok(None),
            Err(reason) => {
                return Err(Refusal::unauthenticated(reason).about(fault(reason)).into());
            }
        };
        Ok(Some(self.sessions.verify(&token).await?.id))
    }
}

impl ShowsCredential for SessionCookie {
    fn shown(&self, handshake: &Handshake) -> Shown {
        match find_cookie(&handshake.credentials, &self.name) {
            FoundCookie::Nothing => Shown::Absent,
            _ => Shown::Ambient,
        }
    }

    async fn owner(&self, handshake: &Handshake) -> Result<Option<UserId>, AuthenticateError> {
        let token = match self.token_of(handshake) {
            Ok(token) => token,
            // One of several cookies could belong to another user, so the handshake is refused.
            Err(reason @ RefusalReason::CredentialAmbiguous) => {
                return Err(Refusal::unauthenticated(reason).about(fault(reason)).into());
            }
            Err(_) => return Ok(None),
        };
        match self.sessions.verify(&token).await {
            Ok(session) => Ok(Some(session.user)),
            Err(error @ VerifySessionError::Unavailable(_)) => Err(error.into()),
            Err(_) => Ok(None),
        }
    }
}

/// Error for a cookie name that [`SessionCookie::name`] does not accept.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use doorward_auth::{Origins, SessionCookie, Sessions};
///
/// fn is_refused(sessions: Arc<Sessions>, origins: Arc<Origins>) -> bool {
///     SessionCookie::new(sessions, origins).name("session").is_err()
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of the cookie is not `__Host-` and 1-64 letters, digits, `-` or `_`")]
pub struct CookieNameError(());

doorward_core::debug_as_sentence!(CookieNameError);
