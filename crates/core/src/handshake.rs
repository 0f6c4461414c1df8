//! What a client showed when it asked to come in.
//!
//! A [`HandshakeRequest`] is the HTTP request that opened the link and is shared by all its sockets;
//! a [`Handshake`] adds the `auth` payload of one CONNECT, and the headers that may hold credentials.
//! It is moved into the authentication and does not come out again: nothing behind it ever sees a
//! credential.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::SystemTime,
};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Headers, UniqueObject};

/// The HTTP request that opened a link.
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
}

impl HandshakeRequest {
    /// Describes a request. `peer` is the address of the other end of the TCP connection.
    #[must_use]
    pub fn new(headers: Headers, query: impl Into<Box<str>>, peer: Option<SocketAddr>) -> Self {
        Self { headers, query: query.into(), peer }
    }

    /// The headers as they were sent.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The query string, undecoded and without the `?`.
    #[must_use]
    pub fn query(&self) -> &str {
        &self.query
    }

    /// The address that [`HandshakeRequest::client_ip`] is of, with its port; 0 where a trusted proxy has named the
    /// client, because it names no port.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// The address of the client, by which budgets and records go: behind a trusted proxy the one that the proxy
    /// names. `None` when another HTTP server does not say.
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

/// Leaves the query out: people put tokens into it.
impl fmt::Debug for HandshakeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandshakeRequest")
            .field("headers", &self.headers)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// What a client showed to enter one namespace.
///
/// # Examples
/// ```
/// use std::{sync::Arc, time::SystemTime};
/// use doorward_core::{Auth, Handshake, HandshakeRequest, Headers};
///
/// let request = Arc::new(HandshakeRequest::new(Headers::default(), "", None));
/// let auth = Auth::parse(r#"{"token":"abc"}"#)?;
/// let handshake = Handshake::new(request, "/", auth, SystemTime::UNIX_EPOCH);
/// assert_eq!(handshake.auth.str("token"), Some("abc"));
/// # Ok::<_, doorward_core::AuthError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Handshake {
    /// The request that opened the link, without what may hold a credential.
    pub request: Arc<HandshakeRequest>,
    /// Its headers that may hold one: `Authorization`, `Cookie`, `Proxy-Authorization`.
    pub credentials: Arc<Headers>,
    /// The namespace the client asks for, with its leading slash.
    pub namespace: Arc<str>,
    /// The `auth` payload of this CONNECT.
    pub auth: Auth,
    /// When it arrived, by the server's clock: the time that credentials are compared with.
    pub at: SystemTime,
}

impl Handshake {
    /// Puts a handshake together.
    #[must_use]
    pub fn new(
        request: Arc<HandshakeRequest>,
        namespace: impl Into<Arc<str>>,
        auth: Auth,
        at: SystemTime,
    ) -> Self {
        Self { request, credentials: Arc::default(), namespace: namespace.into(), auth, at }
    }

    /// Adds the headers that only an authenticator may see.
    #[must_use]
    pub fn with_credentials(self, credentials: Arc<Headers>) -> Self {
        Self { credentials, ..self }
    }
}

/// The `auth` payload of a CONNECT: a JSON object that the client made up.
///
/// # Security
/// It usually holds a credential; `Debug` prints `[redacted]`.
///
/// # Examples
/// ```
/// use doorward_core::Auth;
///
/// assert!(Auth::parse(r#"{"token":"a","token":"b"}"#).is_err());
/// assert!(Auth::parse("[]").is_err());
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct Auth(Map<String, Value>);

impl Auth {
    /// Reads a payload.
    ///
    /// # Errors
    /// [`AuthError`] when it is no JSON object, names a key twice, or names one of JavaScript's
    /// prototype keys. The client's mistake, or an attack.
    pub fn parse(json: &str) -> Result<Self, AuthError> {
        let UniqueObject(members) = serde_json::from_str(json).map_err(|_syntax| AuthError(()))?;
        if PROTOTYPE_KEYS.iter().any(|key| members.contains_key(*key)) {
            return Err(AuthError(()));
        }
        Ok(Self(members))
    }

    /// Returns the value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// Returns the value of `key` when it is a string.
    #[must_use]
    pub fn str(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// Reads the whole payload into a type of the application's own.
    ///
    /// # Errors
    /// When it is no `T`: the client's mistake.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.0)
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Auth([redacted])")
    }
}

/// The `auth` payload of a CONNECT is not a plain JSON object.
///
/// # Examples
/// ```
/// let error = doorward_core::Auth::parse("7").unwrap_err();
/// assert_eq!(error.to_string(), "auth payload is not a plain JSON object");
/// ```
#[derive(Debug, thiserror::Error)]
#[error("auth payload is not a plain JSON object")]
pub struct AuthError(());

/// Keys that mean nothing here and are poison wherever such an object reaches JavaScript.
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
            assert!(Auth::parse(payload).is_err(), "{payload}");
        }
    }

    #[test]
    fn debug_prints_neither_payload_nor_query() {
        let auth = Auth::parse(r#"{"token":"canary"}"#).unwrap();
        let request = HandshakeRequest::new(Headers::default(), "token=canary", None);
        let handshake = Handshake::new(Arc::new(request), "/", auth, SystemTime::UNIX_EPOCH);

        let printed = format!("{handshake:?}");

        assert!(!printed.contains("canary"), "{printed}");
    }

    #[test]
    fn the_client_librarys_own_keys_are_allowed() {
        let auth = Auth::parse(r#"{"token":"a","pid":"p","offset":"o"}"#).unwrap();

        assert_eq!(auth.str("pid"), Some("p"));
    }
}
