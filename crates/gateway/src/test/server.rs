//! A server without a port, and clients that connect to it.

use std::{fmt, net::SocketAddr, sync::Arc};

use doorward_core::{HandshakeRequest, Headers, LinkId};
use doorward_protocol::packet::{Kind, Packet};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::Value;

use crate::{
    error::ServeError,
    link::{state::Opening, task::LinkTask},
    server::doorward::Doorward,
    test::{
        client::TestClient,
        unexpected::panicking,
        wire::{Carried, MemoryLink, connect},
    },
};

/// A server whose clients are in the same process. It does not listen on a port. Everything else is
/// the same as in production.
///
/// # Panics
/// Methods panic if the server does something that the test does not expect, so use them in tests
/// only. They also panic outside of a tokio runtime.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> doorward::Result {
/// use doorward::{prelude::*, test::TestServer};
///
/// let server = TestServer::start(
///     Doorward::builder()
///         .public(Gateway::at("/").on("echo", |Payload(text): Payload<String>| async move { text }))
///         .build()?,
/// )
/// .await?;
/// let mut client = server.connect("/", ()).await;
/// assert_eq!(client.emit_with_ack::<String>("echo", "hello").await, "hello");
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct TestServer {
    doorward: Doorward,
}

impl TestServer {
    /// Starts the server and runs the init hooks, as [`Doorward::serve`] does.
    ///
    /// # Errors
    /// [`ServeError::Init`] if an init hook failed.
    pub async fn start(doorward: Doorward) -> Result<Self, ServeError> {
        doorward.server().ready().await?;
        Ok(Self { doorward })
    }

    /// Returns the server under test.
    #[must_use]
    pub fn doorward(&self) -> &Doorward {
        &self.doorward
    }

    /// Returns a builder for a client with its own headers, query or address.
    pub fn visitor(&self) -> TestClientBuilder<'_> {
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        TestClientBuilder { server: self, headers: HeaderMap::new(), query: String::new(), peer }
    }

    /// Connects a client to `namespace` with the payload `auth`, and returns the client. `()` sends
    /// no payload.
    ///
    /// # Panics
    /// Panics if the client is not admitted.
    pub async fn connect(&self, namespace: &str, auth: impl Serialize) -> TestClient {
        self.visitor().connect(namespace, auth).await
    }

    /// Connects a client that must be refused, and returns the refusal.
    ///
    /// # Panics
    /// Panics if the client is admitted, or if the link ends without an answer.
    pub async fn expect_refused(&self, namespace: &str, auth: impl Serialize) -> ConnectError {
        self.visitor().expect_refused(namespace, auth).await
    }

    /// Connects a client whose link must end without an answer. See
    /// [`TestClientBuilder::expect_turned_away`].
    ///
    /// # Panics
    /// Panics if the client is admitted or refused.
    pub async fn expect_turned_away(&self, namespace: &str, auth: impl Serialize) {
        self.visitor().expect_turned_away(namespace, auth).await;
    }
}

/// Builder for a client that is about to connect. Create it with [`TestServer::visitor`].
///
/// # Examples
/// ```
/// # async fn run(server: &doorward::test::TestServer) {
/// let client = server
///     .visitor()
///     .header("user-agent", "a test")
///     .peer(([203, 0, 113, 7], 4711).into())
///     .connect("/", ())
///     .await;
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct TestClientBuilder<'a> {
    server: &'a TestServer,
    headers: HeaderMap,
    query: String,
    peer: SocketAddr,
}

impl TestClientBuilder<'_> {
    /// Adds a header to the request that opens the link.
    ///
    /// # Panics
    /// Panics if the name or the value is not valid in a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::try_from(name).expect("the name of a header");
        let value = HeaderValue::try_from(value).expect("the value of a header");
        self.headers.append(name, value);
        self
    }

    /// Sets the query of the request that opens the link.
    pub fn query(self, query: impl Into<String>) -> Self {
        Self { query: query.into(), ..self }
    }

    /// Sets the address of the client. The default is `127.0.0.1:1`.
    pub fn peer(self, peer: SocketAddr) -> Self {
        Self { peer, ..self }
    }

    /// Connects the client to `namespace` with the payload `auth`, and returns it. `()` sends no
    /// payload.
    ///
    /// # Panics
    /// Panics if the client is not admitted.
    pub async fn connect(self, namespace: &str, auth: impl Serialize) -> TestClient {
        match self.try_connect(namespace, auth).await {
            Ok(client) => client,
            Err(refused) => panicking(format_args!("not admitted to {namespace}: {refused:?}")),
        }
    }

    /// Connects a client that must be refused, and returns the refusal.
    ///
    /// # Panics
    /// Panics if the client is admitted, or if the link ends without an answer.
    pub async fn expect_refused(self, namespace: &str, auth: impl Serialize) -> ConnectError {
        match self.try_connect(namespace, auth).await {
            Err(Some(refused)) => refused,
            Err(None) => panicking(format_args!("the link to {namespace} ended without an answer")),
            Ok(client) => panicking(format_args!("admitted to {namespace} as {:?}", client.id())),
        }
    }

    /// Connects, and checks that the client is neither admitted nor refused. Only its transport
    /// ends, so a stock client reconnects automatically. This happens if a budget is used up, or if
    /// the admission could not be decided.
    ///
    /// # Panics
    /// Panics if the client is admitted or refused.
    pub async fn expect_turned_away(self, namespace: &str, auth: impl Serialize) {
        match self.try_connect(namespace, auth).await {
            Err(None) => {}
            Err(Some(refused)) => panicking(format_args!("refused at {namespace}: {refused:?}")),
            Ok(client) => panicking(format_args!("admitted to {namespace} as {:?}", client.id())),
        }
    }

    /// Connects, and returns the client if it is admitted.
    ///
    /// # Errors
    /// `Some` is the refusal that the client receives. `None` means that the link ended without an
    /// answer. Nothing was decided then, and a stock client would reconnect.
    ///
    /// # Panics
    /// Panics if the `auth` payload cannot be written as JSON.
    pub async fn try_connect(
        self,
        namespace: &str,
        auth: impl Serialize,
    ) -> Result<TestClient, Option<ConnectError>> {
        let auth = serde_json::to_value(auth).expect("`auth` is JSON");
        let mut link = self.open().await;
        let auth = if auth.is_null() { String::new() } else { auth.to_string() };
        let target = if namespace == "/" { String::new() } else { format!("{namespace},") };
        link.send(Carried::Text(format!("40{target}{auth}"))).await;
        loop {
            let Carried::Text(text) = link.next().await else { return Err(None) };
            let Some(packet) = text.strip_prefix('4').and_then(|text| Packet::parse(text).ok())
            else {
                continue;
            };
            if packet.namespace != namespace {
                continue;
            }
            let data: Value =
                serde_json::from_str(packet.data.unwrap_or_default()).unwrap_or_default();
            match packet.kind {
                Kind::Connect => {
                    let id = data["sid"].as_str().and_then(|id| id.parse().ok());
                    let id = id.expect("the answer to a CONNECT has an id");
                    return Ok(TestClient::new(link, namespace, id));
                }
                Kind::ConnectError => return Err(Some(ConnectError { data })),
                _ => {}
            }
        }
    }

    /// Opens a link as the HTTP service does after an upgrade.
    /// [`Limits::max_connections`](crate::Limits::max_connections) is not applied.
    async fn open(self) -> MemoryLink {
        let server = self.server.doorward.server();
        let services = &server.services;
        let (headers, credentials) = Headers::split(&self.headers);
        let place = services.link_places(&headers).try_take(Some(self.peer.ip()));
        let opening = Opening {
            id: LinkId::generate(&*services.entropy),
            upgrades: &[],
            services: Arc::clone(services),
            namespaces: Arc::clone(&server.namespaces),
            request: Arc::new(HandshakeRequest::new(headers, self.query.as_str(), Some(self.peer))),
            credentials: Arc::new(credentials),
            place: place.expect("the address has room for one more unknown link"),
            open: None,
        };
        let (wire, mut link) = connect(services.link_config.format);
        tokio::spawn(LinkTask::new(wire, opening));
        // The first message is the `open` packet of Engine.IO.
        link.next().await;
        link
    }
}

/// Refusal that a client receives as the answer to a CONNECT.
///
/// # Examples
/// ```
/// # async fn run(server: &doorward::test::TestServer, expired: &str) {
/// let refused = server.expect_refused("/", serde_json::json!({ "token": expired })).await;
/// assert_eq!(refused.code(), "token_expired");
/// assert_eq!(refused.retry(), Some("after_refresh"));
/// # }
/// ```
#[derive(Clone)]
pub struct ConnectError {
    data: Value,
}

impl ConnectError {
    /// Returns the message of the refusal, which is for people.
    #[must_use]
    pub fn message(&self) -> &str {
        self.data["message"].as_str().unwrap_or_default()
    }

    /// Returns the code of the refusal, which is for programs. It is empty for an unknown
    /// namespace, whose refusal has no code.
    #[must_use]
    pub fn code(&self) -> &str {
        self.data["data"]["code"].as_str().unwrap_or_default()
    }

    /// Returns the hint that tells the client if and when to try again, or `None` if the refusal
    /// has no hint.
    #[must_use]
    pub fn retry(&self) -> Option<&str> {
        self.data["data"]["retry"].as_str()
    }

    /// Returns the whole payload in its wire format.
    #[must_use]
    pub fn json(&self) -> &Value {
        &self.data
    }
}

impl fmt::Debug for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnectError({})", self.data)
    }
}
