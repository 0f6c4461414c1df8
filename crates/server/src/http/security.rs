//! Adds security headers to responses.
//!
//! Every HTTP response carries the same headers. The exception is the upgrade to a WebSocket, which has no
//! content to protect.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};

use crate::config::public_url::PublicUrl;

/// Headers of every response.
#[derive(Debug)]
pub(crate) struct SecurityHeaders(HeaderMap);

impl SecurityHeaders {
    /// Builds the headers of a server that browsers know as `public_url`.
    pub(crate) fn new(public_url: &PublicUrl) -> Self {
        let mut headers: HeaderMap = FIXED
            .iter()
            .map(|&(ref name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect();
        let policy = HeaderValue::try_from(content_security_policy(public_url));
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            policy.expect("a public URL has letters of host names only"),
        );
        // HSTS for `localhost` would block every other local server without TLS.
        if public_url.is_secure() && !public_url.is_localhost() {
            headers.insert(
                header::STRICT_TRANSPORT_SECURITY,
                HeaderValue::from_static("max-age=31536000"),
            );
        }
        Self(headers)
    }
}

/// Adds the headers to a response.
pub(crate) async fn add_headers(
    State(headers): State<Arc<SecurityHeaders>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        for (name, value) in &headers.0 {
            response.headers_mut().insert(name.clone(), value.clone());
        }
    }
    response
}

/// Returns the policy, which permits only files of the server, and a WebSocket to the server. Older browsers do not
/// accept `'self'` for a WebSocket, so its origin is listed.
fn content_security_policy(public_url: &PublicUrl) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self' {}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        public_url.websocket()
    )
}

/// Headers that do not depend on the configuration.
const FIXED: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    // Has the effect of `frame-ancestors` in browsers that do not support it.
    (header::X_FRAME_OPTIONS, "DENY"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_behind_tls_asks_for_tls() {
        let hsts = |url: &str| {
            let headers = SecurityHeaders::new(&url.parse().unwrap());
            headers.0.contains_key(header::STRICT_TRANSPORT_SECURITY)
        };

        assert!(hsts("https://chat.example.org"));
        assert!(!hsts("http://localhost:3000"));
    }

    #[test]
    fn a_page_may_open_a_websocket_to_its_own_server_only() {
        let url = "https://chat.example.org".parse().unwrap();

        let policy = content_security_policy(&url);

        assert!(policy.contains("; connect-src 'self' wss://chat.example.org; "), "{policy}");
    }
}
