//! Handshakes, with which clients ask to enter a namespace.
//!
//! A [`HandshakeRequest`] is the HTTP request that opened the link. All sockets on the link share
//! it. A [`Handshake`] adds the `auth` payload of one CONNECT and the headers that may hold
//! credentials. The handshake is moved into the authenticator, so no later code sees a credential.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::SystemTime,
};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Headers, UniqueObject};

/// HTTP request that opened a link, which is one Engine.IO connection.
///
/// # Examples
/// ```
/// use doorward_core::{HandshakeRequest, Headers};
///
/// let request = HandshakeRequest::new(Headers::default(), "EIO=4&transport=websocket", None);
/// assert_eq!(request.query(), "EIO=4&transport=websocket");
/// ```
#[derive(Clone)]
pub struct HandshakeRequest {
    headers: Headers,
    query: Box<str>,
    peer: Option<SocketAddr>,
    kind: Option<RequestKind>,
}

/// Kind of a request. A read needs weaker proof of its origin than the other kinds, because a page
/// of another origin cannot read the response.
///
/// # Examples
/// ```
/// use doorward_core::{HandshakeRequest, Headers, RequestKind};
///
/// let request = HandshakeRequest::new(Headers::default(), "transport=websocket", None);
/// assert_eq!(request.kind(), RequestKind::Upgrade);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// GET or HEAD, which only read.
    Read,
    /// Upgrade to a WebSocket.
    Upgrade,
    /// Any other method, such as POST or DELETE, which may change data.
    Write,
}

impl HandshakeRequest {
    /// Creates a request. `peer` is the address of the client, or `None` if it is unknown. Behind a
    /// trusted proxy, it is the address that the proxy reports.
    #[must_use]
    pub fn new(headers: Headers, query: impl Into<Box<str>>, peer: Option<SocketAddr>) -> Self {
        Self { headers, query: query.into(), peer, kind: None }
    }

    /// Sets the kind of the request. Without this, the kind is that of a request of a Socket.IO
    /// client, which is an upgrade if it could open a WebSocket, and otherwise a read.
    #[must_use]
    pub fn of_kind(self, kind: RequestKind) -> Self {
        Self { kind: Some(kind), ..self }
    }

    /// Returns the kind of the request, which decides if the page that sent it may use cookies.
    #[must_use]
    pub fn kind(&self) -> RequestKind {
        if let Some(kind) = self.kind {
            return kind;
        }
        let is_upgrade = UPGRADE_HEADERS.iter().any(|name| self.headers.get(name).is_some())
            // Engine.IO clients announce the transport in the query.
            || self.query.split('&').any(|pair| pair == "transport=websocket");
        if is_upgrade { RequestKind::Upgrade } else { RequestKind::Read }
    }

    /// Returns the headers of the request. In a [`Handshake`], the headers that may hold a
    /// credential are absent.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// Returns the query string, undecoded and without the `?`.
    #[must_use]
    pub fn query(&self) -> &str {
        &self.query
    }

    /// Returns the IP address of the client ([`HandshakeRequest::client_ip`]) with its port. The
    /// port is 0 if a trusted proxy reported the address, because proxies report no port. Returns
    /// `None` if the address is unknown.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Returns the IP address of the client. Returns `None` if the HTTP server does not provide the
    /// address of its peer.
    ///
    /// Budgets and audit records use this address. Behind a trusted proxy, it is the address that
    /// the proxy reports.
    ///
    /// # Examples
    /// ```
    /// use doorward_core::{Headers, HandshakeRequest};
    ///
    /// let peer = ([203, 0, 113, 7], 4711).into();
    /// let request = HandshakeRequest::new(Headers::default(), "", Some(peer));
    /// assert_eq!(request.client_ip().map(|ip| ip.to_string()).as_deref(), Some("203.0.113.7"));
    /// ```
    #[must_use]
    pub fn client_ip(&self) -> Option<IpAddr> {
        self.peer.map(|peer| peer.ip())
    }
}

// Omits the query, because some clients put tokens into it.
crate::debug_fields!(HandshakeRequest { headers, peer });

/// Request of a client to enter one namespace, with its credentials.
///
/// # Examples
/// ```
/// use std::{sync::Arc, time::SystemTime};
/// use doorward_core::{AuthPayload, Handshake, HandshakeRequest, Headers};
///
/// let request = Arc::new(HandshakeRequest::new(Headers::default(), "", None));
/// let auth = AuthPayload::parse(r#"{"token":"abc"}"#)?;
/// let handshake = Handshake::new(request, "/", auth, SystemTime::UNIX_EPOCH);
/// assert_eq!(handshake.auth.get_str("token"), Some("abc"));
/// # Ok::<_, doorward_core::AuthPayloadError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Handshake {
    /// Request that opened the link, without the headers that may hold a credential.
    pub request: Arc<HandshakeRequest>,
    /// Headers of the request that may hold a credential: `Authorization`, `Cookie`,
    /// `Proxy-Authorization`.
    pub credentials: Arc<Headers>,
    /// Namespace that the client asks for, with its leading slash.
    pub namespace: Arc<str>,
    /// `auth` payload of this CONNECT.
    pub auth: AuthPayload,
    /// Wall-clock time at which the CONNECT arrived. The times in a credential are compared with
    /// this time.
    pub at: SystemTime,
}

impl Handshake {
    /// Creates a handshake without credential headers.
    #[must_use]
    pub fn new(
        request: Arc<HandshakeRequest>,
        namespace: impl Into<Arc<str>>,
        auth: AuthPayload,
        at: SystemTime,
    ) -> Self {
        Self { request, credentials: Arc::default(), namespace: namespace.into(), auth, at }
    }

    /// Sets the headers that may hold a credential, and that only an authenticator may see.
    #[must_use]
    pub fn with_credentials(self, credentials: Arc<Headers>) -> Self {
        Self { credentials, ..self }
    }
}

/// `auth` payload of a CONNECT. It is a JSON object that the client controls.
///
/// # Security
/// The payload usually holds a credential, so `Debug` prints `[redacted]`.
///
/// # Examples
/// ```
/// use doorward_core::AuthPayload;
///
/// assert!(AuthPayload::parse(r#"{"token":"a","token":"b"}"#).is_err());
/// assert!(AuthPayload::parse("[]").is_err());
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct AuthPayload(Map<String, Value>);

impl AuthPayload {
    /// Parses a payload.
    ///
    /// # Errors
    /// [`AuthPayloadError`] if the text is not a JSON object, if an object in it names a key twice,
    /// or if the outermost object has one of the keys `__proto__`, `constructor` and `prototype`.
    /// This is the client's mistake, or an attack.
    pub fn parse(json: &str) -> Result<Self, AuthPayloadError> {
        // A duplicate key could show an authenticator one value and a log or proxy another.
        let UniqueObject(members) =
            serde_json::from_str(json).map_err(|_syntax| AuthPayloadError(()))?;
        // Applications pass parts of the payload on to JavaScript, where these keys would reach the
        // prototype of every object.
        if PROTOTYPE_KEYS.iter().any(|key| members.contains_key(*key)) {
            return Err(AuthPayloadError(()));
        }
        Ok(Self(members))
    }

    /// Returns the value of `key`. Returns `None` if the payload has no such key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// Returns the value of `key`. Returns `None` if the payload has no such key, or if the value
    /// is not a string.
    #[must_use]
    pub fn get_str(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// Deserializes the whole payload into a type of the application's own.
    ///
    /// # Errors
    /// Fails if the payload is not a `T`. This is the client's mistake.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.0)
    }
}

impl fmt::Debug for AuthPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Auth([redacted])")
    }
}

/// Error for a text that [`AuthPayload::parse`] does not accept.
///
/// # Examples
/// ```
/// let error = doorward_core::AuthPayload::parse("7").unwrap_err();
/// assert_eq!(error.to_string(), "auth payload is not a plain JSON object");
/// ```
#[derive(Debug, thiserror::Error)]
#[error("auth payload is not a plain JSON object")]
pub struct AuthPayloadError(());

const UPGRADE_HEADERS: [&str; 3] = ["sec-websocket-key", "sec-websocket-version", "upgrade"];

/// Keys that are harmless in Rust but pollute prototypes if the object reaches JavaScript.
const PROTOTYPE_KEYS: [&str; 3] = ["__proto__", "constructor", "prototype"];

#[cfg(test)]
mod tests {
    use super::*;

    /// Attack 27.
    #[test]
    fn an_auth_payload_that_is_no_plain_object_is_refused() {
        for payload in [
            "[]",
            "7",
            "\"token\"",
            "null",
            "true",
            "",
            "{",
            r#"{"token":"a","token":"b"}"#,
            r#"{"__proto__":{"admin":true}}"#,
            r#"{"constructor":{"prototype":{}}}"#,
        ] {
            assert!(AuthPayload::parse(payload).is_err(), "{payload}");
        }
    }

    #[test]
    fn debug_prints_neither_payload_nor_query() {
        let auth = AuthPayload::parse(r#"{"token":"canary"}"#).unwrap();
        let request = HandshakeRequest::new(Headers::default(), "token=canary", None);
        let handshake = Handshake::new(Arc::new(request), "/", auth, SystemTime::UNIX_EPOCH);

        let printed = format!("{handshake:?}");

        assert!(!printed.contains("canary"), "{printed}");
    }

    #[test]
    fn the_client_librarys_own_keys_are_allowed() {
        let auth = AuthPayload::parse(r#"{"token":"a","pid":"p","offset":"o"}"#).unwrap();

        assert_eq!(auth.get_str("pid"), Some("p"));
    }
}
