//! Puts together what the server answers over HTTP.
//!
//! Host first, then routes; the security headers go around both, so that refusals have them too.

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, http::StatusCode, middleware, response::IntoResponse, routing::get};
use doorward::DoorwardService;

use crate::{
    bundle,
    host::{self, Hosts},
    pages,
    public_url::PublicUrl,
    security::{self, SecurityHeaders},
};

/// The routes of a server that listens on `addresses` and is known as `public_url`.
pub(crate) fn router(
    doorward: DoorwardService,
    public_url: &PublicUrl,
    addresses: &[SocketAddr],
) -> Router {
    let hosts = Arc::new(Hosts::new(public_url, addresses));
    let headers = Arc::new(SecurityHeaders::new(public_url));
    Router::new()
        .route_service("/socket.io/", doorward)
        .merge(bundle::routes())
        .merge(pages::routes())
        .route("/healthz", get("ok\n"))
        .fallback(async || (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response())
        .layer(middleware::from_fn_with_state(hosts, host::check_host))
        .layer(middleware::from_fn_with_state(headers, security::add_headers))
}
