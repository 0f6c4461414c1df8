//! Permits cross-origin requests from the configured origins.
//!
//! A front end on another origin, such as a development server on another port, needs two permissions. CORS must
//! permit the page to read responses, and the server must accept its cookie in requests of the page. The setting
//! `origins.allow` grants both. There is no wildcard, because it would allow every page to act for a signed-in
//! user.

use std::time::Duration;

use axum::http::{HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::config::allowed_origin::AllowedOrigin;

/// Returns the layer for these origins. With an empty list it answers no preflight and adds no header.
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

/// Time for which a browser may cache a preflight response.
const REMEMBERED: Duration = Duration::from_secs(10 * 60);
