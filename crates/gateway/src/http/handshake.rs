//! Reads the request that wants to open a link.
//!
//! RFC 6455, section 4.2, and the query of Engine.IO v4. Refusals before the upgrade have the form
//! that Engine.IO servers give them: a status and `{"code", "message"}`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Response, StatusCode, Version,
    header::{self, HeaderName},
    request::Parts,
};
use http_body_util::Full;
use serde::Serialize;
use sha1::{Digest, Sha1};

/// Why a request opens no link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    BadRequest,
    Method,
    NotNow,
    Polling,
    Protocol,
    TooManyLinks,
    UnknownSid,
    UnknownTransport,
    Upgrade,
}

impl Rejection {
    pub(super) fn response(self) -> Response<Full<Bytes>> {
        #[derive(Serialize)]
        struct Body {
            code: u8,
            message: &'static str,
        }
        // The numbers are those of the JavaScript server; clients show them.
        let (status, code, message) = match self {
            Self::BadRequest => (StatusCode::BAD_REQUEST, 3, "Bad request"),
            Self::NotNow => (StatusCode::SERVICE_UNAVAILABLE, 3, "No new connections now"),
            Self::Method => (StatusCode::BAD_REQUEST, 2, "Bad handshake method"),
            Self::Polling => (
                StatusCode::BAD_REQUEST,
                0,
                "This server speaks WebSocket only: pass transports: [\"websocket\"] to io()",
            ),
            Self::Protocol => (StatusCode::BAD_REQUEST, 5, "Unsupported protocol version"),
            Self::TooManyLinks => (StatusCode::TOO_MANY_REQUESTS, 4, "Too many connections"),
            Self::UnknownSid => (StatusCode::BAD_REQUEST, 1, "Session ID unknown"),
            Self::UnknownTransport => (StatusCode::BAD_REQUEST, 0, "Transport unknown"),
            Self::Upgrade => (StatusCode::UPGRADE_REQUIRED, 3, "Upgrade to WebSocket required"),
        };
        let body = serde_json::to_vec(&Body { code, message }).expect("strings are JSON");
        let mut response = Response::new(Full::new(body.into()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match self {
            Self::NotNow | Self::TooManyLinks => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            // Without it a page of another origin reads a CORS error in place of what to write.
            Self::Polling => {
                let all = HeaderValue::from_static("*");
                headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, all);
            }
            Self::Upgrade => {
                headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
                headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            }
            _ => {}
        }
        response
    }
}

/// What the answer to a request must repeat.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Offer {
    /// The key that the answer must prove to have read.
    key: HeaderValue,
    /// The subprotocol that the client offered first. Without one of its own in the answer a client closes the
    /// connection (RFC 6455, section 4.1); what it is called says nothing about what is spoken.
    protocol: Option<HeaderValue>,
}

/// Checks a request and returns what its answer must repeat.
pub(super) fn check(request: &Parts) -> Result<Offer, Rejection> {
    let query = request.uri.query().unwrap_or_default();
    // In the order in which the JavaScript server looks, so that its clients read the same.
    match parameter(query, "transport").as_deref() {
        Some("websocket") => {}
        Some("polling") => return Err(Rejection::Polling),
        _ => return Err(Rejection::UnknownTransport),
    }
    if parameter(query, "sid").is_some() {
        return Err(Rejection::UnknownSid);
    }
    if request.method != Method::GET {
        return Err(Rejection::Method);
    }
    if parameter(query, "EIO").as_deref() != Some("4") {
        return Err(Rejection::Protocol);
    }
    let headers = &request.headers;
    if request.version < Version::HTTP_11
        || !has_token(headers, &header::CONNECTION, "upgrade")
        || !has_token(headers, &header::UPGRADE, "websocket")
        || headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13")
    {
        return Err(Rejection::Upgrade);
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).ok_or(Rejection::BadRequest)?;
    let decoded = STANDARD.decode(key).map_err(|_malformed| Rejection::BadRequest)?;
    if decoded.len() != 16 {
        return Err(Rejection::BadRequest);
    }
    Ok(Offer { key: key.clone(), protocol: first_protocol(headers)? })
}

/// Returns the first of the subprotocols that a client offers, as the JavaScript server answers them.
fn first_protocol(headers: &HeaderMap) -> Result<Option<HeaderValue>, Rejection> {
    let Some(offered) = headers.get(header::SEC_WEBSOCKET_PROTOCOL) else { return Ok(None) };
    let offered = offered.to_str().map_err(|_binary| Rejection::BadRequest)?;
    let first = offered.split(',').next().unwrap_or_default().trim();
    // They are tokens, as the names of headers are (RFC 6455, section 4.1; RFC 9110, section 5.6.2).
    HeaderName::try_from(first).map_err(|_invalid| Rejection::BadRequest)?;
    Ok(HeaderValue::try_from(first).ok())
}

/// The answer that turns the connection into a WebSocket.
pub(super) fn switch(offer: Offer) -> Response<Full<Bytes>> {
    let mut hash = Sha1::new();
    hash.update(offer.key.as_bytes());
    hash.update(MAGIC);
    let accept = STANDARD.encode(hash.finalize());
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    let accept = HeaderValue::try_from(accept).expect("base64 is a header value");
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    if let Some(protocol) = offer.protocol {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    response
}

/// Finds a parameter; one that is named twice has no value that could be trusted.
fn parameter(query: &str, name: &str) -> Option<String> {
    let mut values = query.split('&').filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name).then_some(value)
    });
    let value = values.next()?;
    if values.next().is_some() {
        return Some(String::new());
    }
    Some(percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned())
}

/// Whether a header that lists words has this one, in any case.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case(token))
}

/// RFC 6455, section 1.3.
const MAGIC: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

#[cfg(test)]
mod tests;
