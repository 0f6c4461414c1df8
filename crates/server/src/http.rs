//! Builds the HTTP routes of the server: Socket.IO, the routes of `doorward-identity`, pages and files.
//!
//! The host of a request is checked first, then the base path, and then a route answers. The security headers are
//! added to every response, also to a rejection. Start reading at [`router`].

mod base_path;
mod bundle;
mod cors;
mod etag;
mod host;
mod pages;
mod security;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::Request,
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use doorward::{
    Doorward,
    auth::KeyRing,
    server::{Clock, SystemClock},
};
use doorward_identity::{Identity, RequireSession};

use self::{base_path::BasePath, host::Hosts, security::SecurityHeaders};
use crate::config::{Config, public_url::PublicUrl};

/// Parts of the server that routes are built from.
pub(crate) struct Site<'a> {
    pub(crate) doorward: &'a Doorward,
    pub(crate) identity: &'a Identity,
    pub(crate) keys: &'a Arc<KeyRing>,
    pub(crate) public_url: &'a PublicUrl,
    /// Addresses that the server listens on.
    pub(crate) addresses: &'a [SocketAddr],
    pub(crate) config: &'a Config,
    /// Handler of `GET /readyz`.
    pub(crate) readiness: MethodRouter,
}

/// Builds all routes.
pub(crate) fn router(site: Site<'_>) -> Router {
    let Site { doorward, identity, public_url, config, .. } = site;
    let keys = Arc::clone(site.keys);
    let hosts = Arc::new(Hosts::new(public_url, site.addresses, &config.hosts));
    let headers = Arc::new(SecurityHeaders::new(public_url));
    let mounted = config.applications();
    // A path that is not listed as public below needs a session, even if it does not exist.
    let private = pages::private_routes(&mounted)
        .fallback(async || (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response())
        .layer(RequireSession::new(identity.clone()))
        .layer(middleware::from_fn(wrong_socket_path));
    let routes = Router::new()
        .route_service("/socket.io/", doorward.service())
        .route_service("/socket.io", doorward.service())
        .merge(bundle::routes())
        .merge(pages::public_routes(&mounted, config.profile))
        .merge(identity.routes(doorward.principals()))
        .route("/healthz", get("ok\n"))
        .route("/readyz", site.readiness)
        .route("/.well-known/jwks.json", get(async move || public_keys(&keys)))
        .fallback_service(private);
    let below_base = BasePath::new(routes, public_url);
    Router::new()
        .fallback(async move |request| below_base.answer(request).await)
        .layer(cors::layer(&config.origins))
        .layer(middleware::from_fn_with_state(hosts, host::check_host))
        .layer(middleware::from_fn_with_state(headers, security::add_headers))
}

/// Answers a Socket.IO client with a wrong `path`, which would otherwise be asked to sign in.
async fn wrong_socket_path(request: Request, next: Next) -> Response {
    let is_client = request
        .uri()
        .query()
        .is_some_and(|query| query.split('&').any(|parameter| parameter.starts_with("EIO=")));
    if is_client {
        (StatusCode::NOT_FOUND, WRONG_PATH).into_response()
    } else {
        next.run(request).await
    }
}

/// Returns the response with the public keys that verify access tokens (RFC 7517).
fn public_keys(keys: &KeyRing) -> impl IntoResponse + use<> {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        // A verifier that has cached the response before a rotation gets the new key up to this much later.
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, keys.jwks(SystemClock.wall()))
}

const WRONG_PATH: &str = "Socket.IO is at /socket.io/: leave the option path of the client out.\n";
