//! Wire format of errors. Only this module translates errors into payloads that a client reads.
//!
//! No other type of this crate implements `Serialize`. Each shape of a payload has a golden file
//! beside the tests of this crate. A client receives a code, a short message and a retry hint. It
//! never reads a cause or its own payload, and cannot find out if a user exists. Start reading at
//! [`ConnectError::new`].

use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::{DecisionId, Detail, DisconnectReason, Exception, Refusal, RefusalCode, Retry};

/// Payload of a `CONNECT_ERROR` packet.
///
/// # Examples
/// ```
/// # use doorward_core::{DecisionId, Entropy};
/// # struct Zero;
/// # impl Entropy for Zero { fn fill(&self, bytes: &mut [u8]) { bytes.fill(0) } }
/// use doorward_core::{Refusal, wire::ConnectError};
///
/// let id = DecisionId::generate(&Zero);
/// let json = serde_json::to_string(&ConnectError::new(&Refusal::token_expired(), id))?;
/// assert_eq!(
///     json,
///     r#"{"message":"Unauthorized","data":{"code":"token_expired","retry":"after_refresh","id":"AAAAAAAAAAAA"}}"#,
/// );
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Debug, Serialize)]
pub struct ConnectError<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<ConnectErrorData>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ConnectErrorData {
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    id: String,
}

impl<'a> ConnectError<'a> {
    /// Creates the payload for a refusal. For an unknown namespace, the payload has no `data`, as
    /// the Socket.IO protocol defines it.
    #[must_use]
    pub fn new(refusal: &'a Refusal, id: DecisionId) -> Self {
        let data = (refusal.code() != RefusalCode::InvalidNamespace).then(|| ConnectErrorData {
            code: refusal.code().as_str(),
            retry: refusal.retry_hint().map(Retry::as_str),
            retry_after: refusal.retry_after().map(whole_seconds),
            id: id.encode(),
        });
        Self { message: refusal.message(), data }
    }
}

/// Error answer to an event. It is sent as the ack, or as the payload of the event `exception`.
///
/// # Examples
/// ```
/// # use doorward_core::{DecisionId, Entropy};
/// # struct Zero;
/// # impl Entropy for Zero { fn fill(&self, bytes: &mut [u8]) { bytes.fill(0) } }
/// use doorward_core::{Exception, wire::ErrorAnswer};
///
/// let id = DecisionId::generate(&Zero);
/// let json = serde_json::to_string(&ErrorAnswer::ack(&Exception::timeout(), id))?;
/// assert_eq!(json, r#"{"status":"error","code":"timeout","message":"Timeout","id":"AAAAAAAAAAAA"}"#);
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorAnswer<'a> {
    status: &'static str,
    code: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<WireDetail<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct WireDetail<'a> {
    path: &'a str,
    message: &'a str,
}

impl<'a> ErrorAnswer<'a> {
    /// Name of the event that carries the answer if the client asked for no ack.
    pub const EVENT: &'static str = "exception";

    /// Creates the ack for an exception.
    #[must_use]
    pub fn ack(exception: &'a Exception, id: DecisionId) -> Self {
        let shown = |Detail { path, message }: &'a Detail| WireDetail { path, message };
        Self {
            status: "error",
            code: exception.code(),
            message: exception.message(),
            details: exception.details().iter().map(shown).collect(),
            retry: None,
            retry_after: exception.wait().map(whole_seconds),
            id: id.encode(),
            event: None,
        }
    }

    /// Creates the ack for a refresh whose new credential was refused. It has the code that a
    /// refused CONNECT would have.
    #[must_use]
    pub fn refusal(refusal: &'a Refusal, id: DecisionId) -> Self {
        Self {
            status: "error",
            code: refusal.code().as_str(),
            message: refusal.message(),
            details: Vec::new(),
            retry: refusal.retry_hint().map(Retry::as_str),
            retry_after: refusal.retry_after().map(whole_seconds),
            id: id.encode(),
            event: None,
        }
    }

    /// Creates the payload of the event [`ErrorAnswer::EVENT`] for an exception. The payload
    /// contains the name of the failed event.
    #[must_use]
    pub fn event(exception: &'a Exception, id: DecisionId, event: &'a str) -> Self {
        Self { event: Some(event), ..Self::ack(exception, id) }
    }
}

/// Problem document (RFC 9457), which answers a request to a route that is not authenticated.
///
/// # Examples
/// ```
/// use doorward_core::{Refusal, wire::ProblemDocument};
///
/// let json = serde_json::to_string(&ProblemDocument::new(&Refusal::token_expired(), 401, None))?;
/// assert_eq!(
///     json,
///     r#"{"type":"about:blank","title":"Unauthorized","status":401,"code":"token_expired","retry":"after_refresh"}"#,
/// );
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProblemDocument<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

impl<'a> ProblemDocument<'a> {
    /// Creates the document for a refusal, with the code that a refused CONNECT would have. `id` is
    /// that of the audit record, if there is one.
    #[must_use]
    pub fn new(refusal: &'a Refusal, status: u16, id: Option<DecisionId>) -> Self {
        Self {
            r#type: "about:blank",
            title: refusal.message(),
            status,
            code: refusal.code().as_str(),
            retry: refusal.retry_hint().map(Retry::as_str),
            retry_after: refusal.retry_after().map(whole_seconds),
            id: id.map(|id| id.encode()),
        }
    }

    /// Creates the document for a request about which nothing was decided.
    #[must_use]
    pub fn unavailable(status: u16, id: DecisionId) -> Self {
        Self {
            r#type: "about:blank",
            title: "Unavailable",
            status,
            code: "unavailable",
            retry: Some(Retry::Later.as_str()),
            retry_after: None,
            id: Some(id.encode()),
        }
    }

    /// Returns the seconds that the client should wait. Returns `None` if no time is set.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }
}

/// Payload of the event that tells a client why the server closes its socket.
///
/// # Examples
/// ```
/// # use doorward_core::{DecisionId, Entropy};
/// # struct Zero;
/// # impl Entropy for Zero { fn fill(&self, bytes: &mut [u8]) { bytes.fill(0) } }
/// use doorward_core::{DisconnectReason, wire::SessionEnded};
///
/// let id = DecisionId::generate(&Zero);
/// let ended = SessionEnded::new(DisconnectReason::Shutdown, id).expect("it is announced");
/// assert_eq!(
///     serde_json::to_string(&ended)?,
///     r#"{"code":"shutdown","retry":"later","id":"AAAAAAAAAAAA"}"#,
/// );
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Debug, Serialize)]
pub struct SessionEnded {
    code: &'static str,
    retry: &'static str,
    id: String,
}

impl SessionEnded {
    /// Name of the event that tells a client why the server closes its socket.
    pub const EVENT: &'static str = "session_ended";

    /// Disconnect reasons that the client receives in this event.
    pub const ANNOUNCED: [DisconnectReason; 10] = [
        DisconnectReason::CredentialOutdated,
        DisconnectReason::Expired,
        DisconnectReason::Forbidden,
        DisconnectReason::Overloaded,
        DisconnectReason::Replaced,
        DisconnectReason::Revoked,
        DisconnectReason::SessionExpired,
        DisconnectReason::Shutdown,
        DisconnectReason::SlowConsumer,
        DisconnectReason::Unavailable,
    ];

    /// Creates the payload for a reason. Returns `None` for a reason that the client does not
    /// receive. The client or the transport has then closed the socket, or the application has sent
    /// its own message.
    #[must_use]
    pub fn new(reason: DisconnectReason, id: DecisionId) -> Option<Self> {
        let retry = match reason {
            DisconnectReason::Expired => Retry::AfterRefresh,
            DisconnectReason::Revoked | DisconnectReason::SessionExpired => Retry::AfterLogin,
            DisconnectReason::Forbidden | DisconnectReason::Replaced => Retry::Never,
            DisconnectReason::CredentialOutdated
            | DisconnectReason::Overloaded
            | DisconnectReason::Shutdown
            | DisconnectReason::SlowConsumer
            | DisconnectReason::Unavailable => Retry::Later,
            DisconnectReason::ClientLeft
            | DisconnectReason::PingTimeout
            | DisconnectReason::ProtocolViolation
            | DisconnectReason::Refused
            | DisconnectReason::ServerLeft
            | DisconnectReason::TransportClosed => return None,
        };
        let code = match reason {
            DisconnectReason::CredentialOutdated => "outdated",
            // The client does not learn if its credential or its session has expired. `retry` tells it
            // what to do.
            DisconnectReason::SessionExpired => DisconnectReason::Expired.as_str(),
            other => other.as_str(),
        };
        Some(Self { code, retry: retry.as_str(), id: id.encode() })
    }
}

/// Payload of the event that warns a client before its credential expires.
///
/// # Examples
/// ```
/// use std::time::SystemTime;
/// use doorward_core::wire::Expiring;
///
/// let json = serde_json::to_string(&Expiring::new(SystemTime::UNIX_EPOCH))?;
/// assert_eq!(json, r#"{"expiresAt":"1970-01-01T00:00:00Z"}"#);
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Expiring {
    expires_at: String,
}

impl Expiring {
    /// Name of the event that warns a client before its credential expires.
    pub const EVENT: &'static str = "auth:expiring";

    /// Creates the warning for a credential that expires at `at`.
    #[must_use]
    pub fn new(at: SystemTime) -> Self {
        Self { expires_at: timestamp(at) }
    }
}

/// Ack for a refresh, which replaces the credential of a connected socket.
///
/// # Examples
/// ```
/// use doorward_core::wire::Refreshed;
///
/// let json = serde_json::to_string(&Refreshed::new(None))?;
/// assert_eq!(json, r#"{"status":"ok","expiresAt":null}"#);
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refreshed {
    status: &'static str,
    expires_at: Option<String>,
}

impl Refreshed {
    /// Name of the event with which a client asks for a refresh.
    pub const EVENT: &'static str = "auth:refresh";

    /// Creates the ack for a new credential that expires at `expires_at`. `None` means that the
    /// credential has no expiry.
    #[must_use]
    pub fn new(expires_at: Option<SystemTime>) -> Self {
        Self { status: "ok", expires_at: expires_at.map(timestamp) }
    }
}

/// Formats a time as ISO 8601 in UTC, to the second. Rounds down, so that a client acts early
/// rather than late.
///
/// # Examples
/// ```
/// use std::time::SystemTime;
/// use doorward_core::wire::timestamp;
///
/// assert_eq!(timestamp(SystemTime::UNIX_EPOCH), "1970-01-01T00:00:00Z");
/// ```
#[must_use]
pub fn timestamp(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    // A time beyond the calendar of the library is clamped, because an error would leave the client
    // without an answer.
    jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX).to_string()
}

/// Rounds a duration up to whole seconds. If it were rounded down, clients would retry too early.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests;
