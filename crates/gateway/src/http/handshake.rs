//! Checks the request that opens a link, and writes the response.
//!
//! The rules are those of RFC 6455, section 4.2, and of the query of Engine.IO v4. Rejections have the
//! form that clients know from Engine.IO servers: a status and `{"code", "message"}`.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Response, StatusCode, Version,
    header::{self, HeaderName},
    request::Parts,
};
use serde::Serialize;
use sha1::{Digest, Sha1};

use crate::http::response_body::ResponseBody;

/// Reason why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// The request violates its protocol. The text is for the developer of the client.
    BadRequest(&'static str),
    /// The link of the request has ended for this reason.
    Ended(Arc<str>),
    /// The method is not GET.
    Method,
    /// An init hook failed, or there are as many links as there may be.
    NotNow,
    /// The server is shutting down. The client may try again after this number of seconds.
    Stopping { retry_after: u8 },
    /// A page whose origin is not allowed asks for HTTP long polling.
    Origin,
    /// The client asks for HTTP long polling, which the operator has turned off.
    Polling,
    /// The version of Engine.IO is not 4.
    Protocol,
    /// The address of the client has too many links without an authenticated client.
    TooManyLinks,
    /// The body of the request is too large.
    TooLarge,
    /// The request names a link that does not exist, or that it does not belong to.
    UnknownSid,
    /// The transport is missing, or is neither `websocket` nor `polling`.
    UnknownTransport,
    /// The request does not ask for a WebSocket, or its connection cannot be upgraded.
    Upgrade,
}

impl Rejection {
    /// Returns the status, the code and the message of the response.
    pub(super) fn answer(&self) -> (StatusCode, u8, &str) {
        // The codes are those of the JavaScript server, which clients and their users know.
        match self {
            Self::BadRequest(message) => (StatusCode::BAD_REQUEST, 3, message),
            Self::Ended(reason) => (StatusCode::BAD_REQUEST, 3, reason),
            Self::NotNow | Self::Stopping { .. } => (
                StatusCode::SERVICE_UNAVAILABLE,
                3,
                "The server accepts no new connections now: try again later",
            ),
            Self::Method => (StatusCode::BAD_REQUEST, 2, "Bad handshake method"),
            Self::Origin => (StatusCode::FORBIDDEN, 4, "Origin not allowed"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, 3, "Payload too large"),
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
        }
    }

    /// Returns the label of the rejection in the metric.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "bad_request",
            Self::Ended(_) => "ended",
            Self::Method => "method",
            Self::NotNow => "not_now",
            Self::Stopping { .. } => "stopping",
            Self::Origin => "origin",
            Self::Polling => "polling",
            Self::Protocol => "protocol",
            Self::TooManyLinks => "too_many_links",
            Self::TooLarge => "too_large",
            Self::UnknownSid => "unknown_sid",
            Self::UnknownTransport => "unknown_transport",
            Self::Upgrade => "upgrade",
        }
    }

    pub(super) fn response(self) -> Response<ResponseBody> {
        #[derive(Serialize)]
        struct Body<'a> {
            code: u8,
            message: &'a str,
        }
        let (status, code, message) = self.answer();
        let body = serde_json::to_vec(&Body { code, message }).expect("strings are JSON");
        let mut response = Response::new(ResponseBody::from(Bytes::from(body)));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match self {
            Self::NotNow | Self::TooManyLinks => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::Stopping { retry_after } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(u16::from(retry_after)));
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            // The default of stock clients is polling. Without this header, a page of another origin
            // could not read the message, and its console would show a CORS error instead.
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

/// Parts of a valid request that the response depends on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Offer {
    /// Value of `Sec-WebSocket-Key`. The response contains a hash of it, as a proof that the server
    /// has read the request.
    key: HeaderValue,
    /// First subprotocol that the client offered. A browser fails the connection if it offered
    /// subprotocols and the response selects none (WHATWG, "establish a WebSocket connection"). The
    /// server ignores the name, because the protocol is always Engine.IO.
    protocol: Option<HeaderValue>,
}

/// A valid request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Opens a link with a WebSocket.
    Socket(Offer),
    /// Opens a WebSocket for the link `sid`, whose client polls until the upgrade is complete.
    Upgrade { sid: String, offer: Offer },
    /// Opens a link whose client polls.
    Open,
    /// Asks for the packets of the link `sid`.
    Get { sid: String },
    /// Brings packets for the link `sid`.
    Post { sid: String },
    /// Asks which requests a page of another origin may send (Fetch standard, CORS preflight).
    Preflight,
}

/// Checks a request. `is_polling` is `true` if clients may poll.
pub(super) fn check(request: &Parts, is_polling: bool) -> Result<Wanted, Rejection> {
    let query = request.uri.query().unwrap_or_default();
    // The checks are in the order of the JavaScript server, so that a request with several mistakes
    // gets the same answer.
    let transport = parameter(query, "transport");
    let sid = parameter(query, "sid");
    if sid.is_none() && request.method != Method::OPTIONS {
        check_first(request, query)?;
    }
    match transport.as_deref() {
        Some("polling") if !is_polling => Err(Rejection::Polling),
        // JSONP is for browsers without CORS, and every page could use it.
        Some("polling") if parameter(query, "j").is_some() => {
            Err(Rejection::BadRequest("JSONP is not supported"))
        }
        Some("polling") => match (sid, &request.method) {
            (_, &Method::OPTIONS) => Ok(Wanted::Preflight),
            (None, _) => Ok(Wanted::Open),
            (Some(sid), &Method::GET) => Ok(Wanted::Get { sid }),
            (Some(sid), &Method::POST) => Ok(Wanted::Post { sid }),
            _ => Err(Rejection::Method),
        },
        Some("websocket") => {
            let offer = offer(request)?;
            match sid {
                None => Ok(Wanted::Socket(offer)),
                Some(sid) if is_polling => Ok(Wanted::Upgrade { sid, offer }),
                Some(_) => Err(Rejection::UnknownSid),
            }
        }
        _ => Err(Rejection::UnknownTransport),
    }
}

/// Checks a request that opens a link.
fn check_first(request: &Parts, query: &str) -> Result<(), Rejection> {
    if !matches!(parameter(query, "transport").as_deref(), Some("polling" | "websocket")) {
        return Err(Rejection::UnknownTransport);
    }
    if request.method != Method::GET {
        return Err(Rejection::Method);
    }
    if parameter(query, "EIO").as_deref() != Some("4") {
        return Err(Rejection::Protocol);
    }
    Ok(())
}

/// Checks a request that opens a WebSocket, and returns the parts that the response depends on.
fn offer(request: &Parts) -> Result<Offer, Rejection> {
    if request.method != Method::GET {
        return Err(Rejection::Method);
    }
    let headers = &request.headers;
    // RFC 6455, section 4.2.1. The headers `Connection` and `Upgrade` are lists.
    if request.version < Version::HTTP_11
        || !has_token(headers, &header::CONNECTION, "upgrade")
        || !has_token(headers, &header::UPGRADE, "websocket")
        || headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13")
    {
        return Err(Rejection::Upgrade);
    }
    // A proxy would count a body as HTTP, and the server as frames. A client sends its whole request
    // before it uses the new protocol (RFC 9110, section 7.8), and a GET needs no body.
    let has_body = headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0");
    if has_body || headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(Rejection::BadRequest("A request for a WebSocket has no body"));
    }
    let bad_key = Rejection::BadRequest("Sec-WebSocket-Key is missing or invalid");
    let Some(key) = headers.get(header::SEC_WEBSOCKET_KEY) else { return Err(bad_key) };
    if !STANDARD.decode(key).is_ok_and(|decoded| decoded.len() == 16) {
        return Err(bad_key);
    }
    Ok(Offer { key: key.clone(), protocol: first_protocol(headers)? })
}

/// Returns the first WebSocket subprotocol that the client offers, or `None` if it offers none. The
/// JavaScript server selects the same subprotocol.
///
/// # Errors
/// [`Rejection::BadRequest`] if the name of the subprotocol is not a token.
fn first_protocol(headers: &HeaderMap) -> Result<Option<HeaderValue>, Rejection> {
    let Some(offered) = headers.get(header::SEC_WEBSOCKET_PROTOCOL) else { return Ok(None) };
    let invalid = Rejection::BadRequest("Sec-WebSocket-Protocol is invalid");
    let Ok(offered) = offered.to_str() else { return Err(invalid) };
    let first = offered.split(',').next().unwrap_or_default().trim();
    // A subprotocol is a token, as the name of a header is (RFC 6455, section 4.1; RFC 9110, section
    // 5.6.2). The value is repeated in the response, so it is checked before.
    if HeaderName::try_from(first).is_err() {
        return Err(invalid);
    }
    Ok(HeaderValue::try_from(first).ok())
}

/// Returns the response that turns the connection into a WebSocket (RFC 6455, section 4.2.2).
pub(super) fn switch(offer: Offer) -> Response<ResponseBody> {
    let mut hash = Sha1::new();
    hash.update(offer.key.as_bytes());
    hash.update(MAGIC);
    let accept = STANDARD.encode(hash.finalize());
    let mut response = Response::new(ResponseBody::from(Bytes::new()));
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

/// Returns the decoded value of a query parameter, or `None` if there is no such parameter. If the
/// parameter occurs twice, returns an empty value, which no check accepts, because a proxy may have
/// read the other value.
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

/// Returns `true` if the list in the header `name` contains `token`, in upper or lower case.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case(token))
}

/// Text that is appended to the key before it is hashed (RFC 6455, section 1.3).
const MAGIC: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

#[cfg(test)]
mod tests;
