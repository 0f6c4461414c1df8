//! Lets pages of other origins use the server, as far as the configuration names them.
//!
//! A front end that is served from elsewhere, such as a development server on another port, needs both: to
//! be allowed here, so that its browser hands answers over, and to be among the origins whose cookies
//! count. Both are `origins.allow`. There is no wildcard: with credentials it would open everything.

use std::time::Duration;

use axum::http::{HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::config::allowed_origin::AllowedOrigin;

/// The layer for these origins. Without any it answers no preflight and adds nothing.
pub(crate) fn layer(origins: &[AllowedOrigin]) -> CorsLayer {
    let allowed =
        origins.iter().filter_map(|origin| HeaderValue::try_from(origin.to_string()).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(allowed))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers([header::CONTENT_TYPE, header::AUTHORIZATION])
        .expose_headers([header::RETRY_AFTER])
        .max_age(REMEMBERED)
}

/// How long a browser may remember the answer; it asks again when the configuration has changed.
const REMEMBERED: Duration = Duration::from_secs(10 * 60);
