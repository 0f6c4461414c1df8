//! A client that polls, one request at a time.
//!
//! The client sends the requests that a test names, and returns each response. Start reading at
//! [`Poller::send`].

mod upgrading;

use std::net::SocketAddr;

pub use upgrading::echo_across_an_upgrade;

use crate::RawClient;

/// Client of one link that polls. Each request has a connection of its own.
///
/// For tests only: every method panics if the server does something unexpected.
///
/// # Examples
/// ```no_run
/// # async fn run(address: std::net::SocketAddr) {
/// use doorward_testkit::Poller;
///
/// let poller = Poller::open(address).await;
/// assert_eq!(poller.post("40").await.body, "ok");
/// assert!(poller.get().await.body.starts_with("4"));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Poller {
    /// Address of the server.
    pub address: SocketAddr,
    /// Id of the link.
    pub sid: String,
    /// Header lines of each request, each with its line break.
    pub headers: String,
}

/// Response of a server.
///
/// # Examples
/// See [`Poller`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Head of the response in lower case.
    pub head: String,
    /// Body of the response.
    pub body: String,
}

impl Poller {
    /// Creates a client without a link.
    #[must_use]
    pub fn at(address: SocketAddr) -> Self {
        Self { address, sid: String::new(), headers: String::new() }
    }

    /// Opens a link.
    ///
    /// # Panics
    /// If the server does not open a link.
    pub async fn open(address: SocketAddr) -> Self {
        Self::open_with(address, "").await
    }

    /// Opens a link with additional header lines, which are also sent with each later request.
    ///
    /// # Panics
    /// If the server does not open a link.
    pub async fn open_with(address: SocketAddr, headers: &str) -> Self {
        let poller = Self { address, sid: String::new(), headers: headers.to_owned() };
        let opened = poller.send("GET", "EIO=4&transport=polling", "").await;
        assert_eq!(opened.status, 200, "{opened:?}");
        let open = opened.body.strip_prefix('0').expect("the first packet opens the link");
        let open: serde_json::Value = serde_json::from_str(open).expect("it is JSON");
        let sid = open["sid"].as_str().expect("it has the id of the link").to_owned();
        Self { sid, ..poller }
    }

    /// Sends a GET for the packets of the link.
    pub async fn get(&self) -> Response {
        self.send("GET", &self.query(), "").await
    }

    /// Sends packets.
    pub async fn post(&self, body: &str) -> Response {
        self.send("POST", &self.query(), body).await
    }

    /// Returns the query of each request of the link.
    #[must_use]
    pub fn query(&self) -> String {
        format!("EIO=4&transport=polling&sid={}", self.sid)
    }

    /// Sends any request.
    pub async fn send(&self, method: &str, query: &str, body: &str) -> Response {
        let mut client = self.begin(method, query, body).await;
        Self::finish(&mut client).await
    }

    /// Begins a request, whose response is read later.
    pub async fn begin(&self, method: &str, query: &str, body: &str) -> RawClient {
        let mut client = RawClient::connect(self.address).await;
        let length = body.len();
        let Self { address, headers, .. } = self;
        let head = format!(
            "{method} /socket.io/?{query} HTTP/1.1\r\nhost: {address}\r\ncontent-type: text/plain;charset=UTF-8\r\n\
             content-length: {length}\r\n{headers}\r\n"
        );
        client.bytes(&[head.as_bytes(), body.as_bytes()].concat()).await;
        client
    }

    /// Reads the response of a request.
    ///
    /// # Panics
    /// If the connection ends before the response is complete.
    pub async fn finish(client: &mut RawClient) -> Response {
        let head = client.head().await.to_lowercase();
        let status = head.get(9..12).and_then(|status| status.parse().ok()).expect("a status");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.map_or(0, |length| length.parse().expect("a length is a number"));
        let body = client.exactly(length).await;
        Response { status, head, body: String::from_utf8(body).expect("a body is text") }
    }
}
