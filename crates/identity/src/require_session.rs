//! Closes routes to whoever has no session.
//!
//! A page is answered with a redirect to `/`, which signs people in and leads them back; anything else with
//! 401. Handlers behind it take the session as an argument. Start reading at [`RequireSession`].

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    extract::{FromRequestParts, OriginalUri, Request},
    response::{IntoResponse, Response},
};
use doorward::Session;
use http::{HeaderMap, Method, StatusCode, header, request::Parts};
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    http::{Problem, return_address},
    identity::Identity,
};

/// A layer for routes that only somebody with a session may use.
///
/// # Examples
/// ```
/// use axum::{Router, routing::get};
/// use doorward_identity::{CurrentSession, Identity, RequireSession};
///
/// fn private(identity: &Identity) -> Router {
///     async fn whoami(CurrentSession(session): CurrentSession) -> String {
///         session.user.as_str().to_owned()
///     }
///     Router::new().route("/whoami", get(whoami)).layer(RequireSession::new(identity.clone()))
/// }
/// # drop(private);
/// ```
///
/// # Security
/// The cookie counts for GET and HEAD requests that a page of this server causes, and for others with an
/// allowed `Origin`. Somebody who follows a link of another site, or types the address, is led over `/`.
#[derive(Clone, Debug)]
pub struct RequireSession {
    identity: Identity,
}

impl RequireSession {
    /// Lets those in who have signed in to `identity`.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        Self { identity }
    }
}

impl<S> Layer<S> for RequireSession {
    type Service = BehindSession<S>;

    fn layer(&self, inner: S) -> BehindSession<S> {
        BehindSession { identity: self.identity.clone(), inner }
    }
}

/// What [`RequireSession`] makes of a service.
///
/// # Examples
/// ```
/// use doorward_identity::{BehindSession, RequireSession};
/// use tower_layer::Layer as _;
///
/// fn close<S>(layer: &RequireSession, routes: S) -> BehindSession<S> {
///     layer.layer(routes)
/// }
/// # drop(close::<()>);
/// ```
#[derive(Clone, Debug)]
pub struct BehindSession<S> {
    identity: Identity,
    inner: S,
}

impl<S> Service<Request> for BehindSession<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        // The one that was polled is ready; the clone takes its place.
        let waiting = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, waiting);
        let identity = self.identity.clone();
        Box::pin(async move {
            match identity.0.session_of(request.method(), request.headers()).await {
                Ok(session) => {
                    request.extensions_mut().insert(CurrentSession(session));
                    inner.call(request).await
                }
                Err(problem) => Ok(turn_away(problem, &request)),
            }
        })
    }
}

/// The session of whoever asks, behind [`RequireSession`].
///
/// # Examples
/// See [`RequireSession`].
/// ```
/// use doorward_identity::CurrentSession;
///
/// fn name(CurrentSession(session): &CurrentSession) -> &str {
///     session.user.as_str()
/// }
/// # drop(name);
/// ```
#[derive(Clone, Debug)]
pub struct CurrentSession(pub Session);

impl<S: Send + Sync> FromRequestParts<S> for CurrentSession {
    type Rejection = StatusCode;

    /// # Errors
    /// 500 where no [`RequireSession`] stands in front of the route: nobody may be let in by mistake.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

fn turn_away(problem: Problem, request: &Request) -> Response {
    let is_reading = [Method::GET, Method::HEAD].contains(request.method());
    if is_reading && problem.is_signed_out() && wants_page(request.headers()) {
        // What the browser has asked for, when the routes are nested below a path.
        let asked = request.extensions().get().map(|OriginalUri(uri)| uri);
        let asked = asked.unwrap_or(request.uri());
        let location = [(header::LOCATION, return_address(asked, request.uri()))];
        return (StatusCode::SEE_OTHER, location).into_response();
    }
    problem.into_response()
}

/// Whether it is a page that is asked for, by somebody who looks at it.
fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|kind| kind.trim().starts_with("text/html"))
}
