//! Protects the routes of an application, so that each request needs a session.
//!
//! Without a session, a request for a page is redirected to `/`, where the user signs in and then returns to the page.
//! Any other request is answered with 401. Handlers take the session as an argument. Start reading at
//! [`RequireSession`].

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
use doorward::session::Session;
use http::{HeaderMap, Method, StatusCode, header, request::Parts};
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    http::{Problem, return_address},
    identity::Identity,
};

/// Layer that passes only requests with an active session to the routes behind it.
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
/// ```
///
/// # Security
/// The cookie is accepted for GET and HEAD requests from a page of this server, for pages whose address the user has
/// typed, and for other requests with an allowed `Origin`. A user who follows a link on another site is first redirected
/// to `/`.
#[derive(Clone, Debug)]
pub struct RequireSession {
    identity: Identity,
}

impl RequireSession {
    /// Creates a layer that admits requests with the session cookie of `identity`.
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

/// Service that the layer [`RequireSession`] creates. It passes requests with a session to the inner service, and
/// answers all other requests itself.
///
/// # Examples
/// ```
/// use doorward_identity::{BehindSession, RequireSession};
/// use tower_layer::Layer as _;
///
/// fn close<S>(layer: &RequireSession, routes: S) -> BehindSession<S> {
///     layer.layer(routes)
/// }
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
        // Only the instance that was polled is ready, so it handles the request and its clone replaces it.
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

/// Session of the request, as an extractor for handlers of routes behind [`RequireSession`].
///
/// # Examples
/// See [`RequireSession`].
/// ```
/// use doorward_identity::CurrentSession;
///
/// fn name(CurrentSession(session): &CurrentSession) -> &str {
///     session.user.as_str()
/// }
/// ```
#[derive(Clone, Debug)]
pub struct CurrentSession(pub Session);

impl<S: Send + Sync> FromRequestParts<S> for CurrentSession {
    type Rejection = StatusCode;

    /// # Errors
    /// Status 500 if the route is not behind [`RequireSession`]. A client is therefore never admitted by this mistake
    /// of the application.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

fn turn_away(problem: Problem, request: &Request) -> Response {
    let is_reading = [Method::GET, Method::HEAD].contains(request.method());
    if is_reading && problem.is_signed_out() && wants_page(request.headers()) {
        // If the routes are nested below another path, this is the complete path of the request.
        let asked = request.extensions().get().map(|OriginalUri(uri)| uri);
        let asked = asked.unwrap_or(request.uri());
        let location = [(header::LOCATION, return_address(asked, request.uri()))];
        return (StatusCode::SEE_OTHER, location).into_response();
    }
    problem.into_response()
}

/// Returns `true` if the request accepts HTML, as a browser does when it requests a page.
fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|kind| kind.trim().starts_with("text/html"))
}
