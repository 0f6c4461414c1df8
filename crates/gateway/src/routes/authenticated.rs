//! The user of a request, as an argument of handlers of an axum application.

use std::{fmt, ops::Deref, sync::Arc, time::SystemTime};

use axum::{
    extract::{FromRef, FromRequestParts, OptionalFromRequestParts},
    response::Response,
};
use doorward_core::{SessionId, UserId};
use http::request::Parts;

use crate::{
    admission::vetting::Vetted,
    routes::authentication::{Authentication, Refused},
};

/// Authenticated user of a request, as an argument of handlers of an axum application.
///
/// The request is authenticated by the authenticator of the sockets, so one policy applies to both.
/// A token is read from `Authorization: Bearer`, and a cookie only from pages of allowed origins. A
/// request other than GET and HEAD needs an `Origin` for its cookie to count. Revoked credentials,
/// and clients that have used up their budget for guesses, are refused.
///
/// It dereferences to the principal. As an `Option`, it is `None` for a request without a credential.
///
/// | response | meaning |
/// |---|---|
/// | 401 | no credential, or one that is not valid; with `WWW-Authenticate: Bearer` (RFC 6750) |
/// | 429 | too many guesses from the address; with `Retry-After` |
/// | 503 | a dependency did not answer, so nothing was decided; with `Retry-After` |
///
/// The body is a problem document (RFC 9457) with the `code` that a refused CONNECT would have.
///
/// # Examples
/// ```
/// use axum::{Router, middleware, routing::get};
/// use doorward::{prelude::*, routes::Authenticated};
///
/// async fn me(user: Authenticated<Claims>) -> String {
///     user.subject().to_owned()
/// }
///
/// # fn app() -> doorward::Result<Router> {
/// let doorward = Doorward::builder()
///     .authenticate(Jwt::hs256("a secret of at least 32 bytes ...")?)
///     .gateway(Gateway::<Claims>::at("/"))
///     .build()?;
/// let authentication = doorward.authentication::<Claims>()?;
/// let private = middleware::from_extractor_with_state::<Authenticated<Claims>, _>(authentication.clone());
///
/// let routes = Router::new()
///     .route("/me", get(me))
///     // Protects all routes above, also those whose handlers do not take the user.
///     .route("/news", get(|| async { "..." }))
///     .route_layer(private)
///     .with_state(authentication);
/// # Ok(routes) }
/// ```
///
/// Without the state, the program does not compile:
/// ```compile_fail,E0277
/// use axum::{Router, routing::get};
/// use doorward::{prelude::*, routes::Authenticated};
///
/// async fn me(user: Authenticated<Claims>) {}
///
/// let routes: Router = Router::new().route("/me", get(me)).with_state(());
/// ```
///
/// # Security
/// Guards of gateways do not run for routes. Check roles with the principal.
pub struct Authenticated<P> {
    principal: Arc<P>,
    user: UserId,
    session: Option<SessionId>,
    expires_at: Option<SystemTime>,
}

impl<P> Authenticated<P> {
    /// Returns the user, by whose id connections are counted and revoked.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// Returns the session of the credential. Returns `None` if it belongs to no session.
    #[must_use]
    pub fn session(&self) -> Option<&SessionId> {
        self.session.as_ref()
    }

    /// Returns the time at which the credential expires. Returns `None` if it does not expire.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at
    }

    fn new(vetted: Vetted<P>) -> Self {
        let Vetted { user, access, .. } = vetted;
        Self {
            expires_at: access.lifetime.expires_at(),
            principal: access.principal,
            user,
            session: access.credential.session,
        }
    }
}

impl<P> Deref for Authenticated<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.principal
    }
}

impl<S, P> FromRequestParts<S> for Authenticated<P>
where
    Authentication<P>: FromRef<S>,
    S: Send + Sync,
    P: Send + Sync + 'static,
{
    type Rejection = Response;

    /// # Errors
    /// The response to a request that is not authenticated.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Authentication::from_ref(state).check(parts).await {
            Ok(vetted) => Ok(Self::new(vetted)),
            Err(Refused::Missing(response) | Refused::Invalid(response)) => Err(response),
        }
    }
}

impl<S, P> OptionalFromRequestParts<S> for Authenticated<P>
where
    Authentication<P>: FromRef<S>,
    S: Send + Sync,
    P: Send + Sync + 'static,
{
    type Rejection = Response;

    /// # Errors
    /// The response to a request with a credential that is not valid. A request without a credential
    /// yields `None`.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Response> {
        match Authentication::from_ref(state).check(parts).await {
            Ok(vetted) => Ok(Some(Self::new(vetted))),
            Err(Refused::Missing(_)) => Ok(None),
            Err(Refused::Invalid(response)) => Err(response),
        }
    }
}

impl<P> Clone for Authenticated<P> {
    fn clone(&self) -> Self {
        Self {
            principal: Arc::clone(&self.principal),
            user: self.user.clone(),
            session: self.session.clone(),
            expires_at: self.expires_at,
        }
    }
}

/// Omits the principal, whose type may not be printable, and the session, which identifies a
/// credential.
impl<P> fmt::Debug for Authenticated<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticated").field("user", &self.user).finish_non_exhaustive()
    }
}
