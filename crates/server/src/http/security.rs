//! Tells browsers what the server's answers may be used for.
//!
//! Every HTTP answer carries the same headers; the one that turns a connection into a WebSocket has
//! no content for which they could mean anything.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};

use crate::config::public_url::PublicUrl;

/// The headers of every answer.
#[derive(Debug)]
pub(crate) struct SecurityHeaders(HeaderMap);

impl SecurityHeaders {
    /// The headers of a server that browsers know as `public_url`.
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
        if public_url.is_secure() {
            headers.insert(
                header::STRICT_TRANSPORT_SECURITY,
                HeaderValue::from_static("max-age=31536000"),
            );
        }
        Self(headers)
    }
}

/// Adds the headers to whatever is answered.
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

/// Nothing but our own files, and a WebSocket to ourselves: older browsers do not take `'self'` for
/// one, so it is named.
fn content_security_policy(public_url: &PublicUrl) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self' {}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        public_url.websocket()
    )
}

/// What does not depend on the configuration.
const FIXED: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    // The policy's `frame-ancestors` for browsers that do not know it.
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
