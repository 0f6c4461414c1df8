//! Puts together what the server answers over HTTP.
//!
//! Host first, then routes; the security headers go around both, so that refusals have them too.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    http::{StatusCode, header},
    middleware,
    response::IntoResponse,
    routing::get,
};
use doorward::{Clock, Doorward, SystemClock, auth::KeyRing};
use doorward_identity::{Identity, RequireSession};

use crate::{
    base_path::BasePath,
    bundle,
    config::Config,
    cors,
    dependencies::Dependencies,
    host::{self, Hosts},
    pages,
    security::{self, SecurityHeaders},
    serve::Parts,
};

/// The routes of a server that listens on `addresses`.
pub(crate) fn router(
    doorward: &Doorward,
    identity: &Identity,
    parts: Parts<'_>,
    addresses: &[SocketAddr],
    config: &Config,
    dependencies: &Arc<Dependencies>,
) -> Router {
    let Parts { public_url, .. } = parts;
    let (keys, dependencies) = (Arc::clone(parts.keys), Arc::clone(dependencies));
    let hosts = Arc::new(Hosts::new(public_url, addresses, &config.hosts));
    let headers = Arc::new(SecurityHeaders::new(public_url));
    // Whatever is not named as public below is for those who have signed in, also what is not there.
    let mounted = config.applications();
    let private = pages::private_routes(&mounted)
        .fallback(async || (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response())
        .layer(RequireSession::new(identity.clone()));
    let routes = Router::new()
        .route_service("/socket.io/", doorward.service())
        .route_service("/socket.io", doorward.service())
        .merge(bundle::routes())
        .merge(pages::public_routes(&mounted))
        .merge(identity.routes(doorward.principals()))
        .route("/healthz", get("ok\n"))
        .route("/readyz", get(async move || dependencies.report()))
        .route("/.well-known/jwks.json", get(async move || public_keys(&keys)))
        .fallback_service(private);
    Router::new()
        .fallback_service(BasePath::new(routes, public_url))
        .layer(cors::layer(&config.origins))
        .layer(middleware::from_fn_with_state(hosts, host::check_host))
        .layer(middleware::from_fn_with_state(headers, security::add_headers))
}

/// The keys that access tokens are checked with (RFC 7517).
fn public_keys(keys: &KeyRing) -> impl IntoResponse + use<> {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        // Who has looked before a key was exchanged learns of the new one so much later.
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, keys.jwks(SystemClock.wall()))
}
