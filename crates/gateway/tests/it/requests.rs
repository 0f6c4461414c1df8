//! HTTP requests: their deadlines, and the client address that their budgets count for.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Extension, Router,
    body::Body,
    extract::Request,
    routing::{any, get, post},
};
use doorward::{
    Doorward, Gateway, Limits,
    prelude::Anonymous,
    server::{BuildError, Clock as _, Listeners, PeerAddr},
};
use doorward_testkit::{Log, ManualClock, RawClient};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::fixture::{Fixture, in_time, while_time_passes};
use tracing::Level;

/// Running server with the routes of an application beside it.
struct Served {
    address: SocketAddr,
    clock: ManualClock,
    task: JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Served {
    async fn start(limits: impl FnOnce(&mut Limits), proxies: &[&str], routes: Router) -> Self {
        Self::start_at(ManualClock::new(), limits, proxies, routes).await
    }

    async fn start_at(
        clock: ManualClock,
        limits: impl FnOnce(&mut Limits),
        proxies: &[&str],
        routes: Router,
    ) -> Self {
        let doorward = Doorward::builder()
            .public(Gateway::at("/").on("echo", || async { 1 }))
            .clock(clock.clone())
            .limits(limits)
            .trusted_proxies(proxies)
            .build()
            .unwrap();
        let app = routes.route_service("/socket.io/", doorward.service());
        let listeners = Listeners::bind("127.0.0.1:0").await.unwrap();
        let address = listeners.addresses()[0];
        let task = tokio::spawn(async move {
            doorward.serve_with(listeners, app, std::future::pending()).await.unwrap();
        });
        Self { address, clock, task }
    }

    /// Advances the clock until the work is done.
    async fn while_time_passes<T>(&self, work: impl Future<Output = T>) -> T {
        while_time_passes(&self.clock, work).await
    }

    /// Sends the head of a request, without its end, as a proxy forwards it for `client`.
    async fn ask(&self, client: &str, request: &str) -> RawClient {
        let mut raw = RawClient::connect(self.address).await;
        let head = format!("{request} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {client}\r\n");
        raw.bytes(head.as_bytes()).await;
        raw
    }

    /// Sends a request without a body, and returns the connection and the head of the response.
    async fn get(&self, client: &str, path: &str) -> (RawClient, String) {
        let mut raw = self.ask(client, &format!("GET {path}")).await;
        raw.bytes(b"\r\n").await;
        let head = raw.head().await;
        (raw, head)
    }
}

fn routes() -> Router {
    async fn read(text: String) -> String {
        text
    }
    async fn hang(_: Request) {
        std::future::pending::<()>().await;
    }
    Router::new()
        .route("/read", post(read))
        .route("/hang", any(hang))
        .route("/whoami", get(|peer: Extension<PeerAddr>| async move { peer.0.0.ip().to_string() }))
        .fallback(read)
}

/// The address may have one connection, so each case shows that the one before has released its place.
#[tokio::test]
async fn a_body_that_never_ends_times_out_on_every_route() {
    let limits = |limits: &mut Limits| limits.max_http_connections = 1;
    let served = Served::start(limits, &[], routes()).await;
    for path in ["/read", "/hang", "/nowhere", "/socket.io/?EIO=4&transport=websocket"] {
        for (framing, drip) in [
            ("Content-Length: 100000", ""),
            ("Content-Length: 100000", "x"),
            ("Transfer-Encoding: chunked", "1\r\nx\r\n"),
        ] {
            let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n");
            let ended = async {
                loop {
                    let mut client = RawClient::connect(served.address).await;
                    client.bytes(head.as_bytes()).await;
                    client.bytes(drip.as_bytes()).await;
                    let answer = client.body().await;
                    // The place may not be free yet. Then the connection closes without a response.
                    if !answer.is_empty() {
                        return String::from_utf8(answer).unwrap();
                    }
                }
            };

            let answer = served.while_time_passes(ended).await;

            assert!(answer.starts_with("HTTP/1.1 4"), "{path} {framing}: {answer}");
        }
    }
}

/// A client that sends a byte at a time is never silent, so an idle timeout would not find it. The
/// deadline of the whole request is set far beyond the test.
#[tokio::test]
async fn a_body_below_the_minimum_rate_ends_its_connection() {
    let clock = ManualClock::new();
    let (send, mut ended) = mpsc::unbounded_channel();
    let read = {
        let clock = clock.clone();
        async move |body: Body| {
            let begun = clock.now();
            let read = axum::body::to_bytes(body, usize::MAX).await;
            send.send((read.is_err(), clock.now() - begun)).unwrap();
        }
    };
    let limits = |limits: &mut Limits| limits.request_timeout = Duration::from_secs(3600);
    let routes = Router::new().route("/read", post(read));
    let served = Served::start_at(clock, limits, &[], routes).await;
    let mut client = RawClient::connect(served.address).await;
    client.bytes(b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n").await;

    served.while_time_passes(client.flood_slowly(b"x")).await;

    let (is_late, took) = in_time(ended.recv()).await.unwrap();
    assert!(is_late);
    // The minimum rate applies after ten seconds of waiting, and these few bytes extend this time
    // very little.
    assert!((10..60).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test]
async fn a_route_that_never_answers_times_out() {
    let served = Served::start(|_| {}, &[], routes()).await;
    let mut client = RawClient::connect(served.address).await;
    client.bytes(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n").await;

    let answer = served.while_time_passes(client.body()).await;

    assert!(answer.starts_with(b"HTTP/1.1 503 "), "{}", String::from_utf8_lossy(&answer));
}

/// A slow body may use most of the time of a request and pause for a while.
#[tokio::test]
async fn a_body_above_the_minimum_rate_is_read() {
    let (send, mut seen) = mpsc::unbounded_channel();
    let upload = async move |body: Body| {
        use futures_util::StreamExt as _;
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            send.send(chunk.unwrap().len()).unwrap();
        }
        "all of it"
    };
    let routes = Router::new().route("/upload", post(upload));
    let served = Served::start(|_| {}, &[], routes).await;
    let mut client = RawClient::connect(served.address).await;
    client.bytes(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n").await;

    for _ in 0..5 {
        client.bytes(&[b'x'; 4000]).await;
        let mut read = 0;
        while read < 4000 {
            read += seen.recv().await.unwrap();
        }
        served.clock.advance(Duration::from_secs(5));
    }

    assert!(client.head().await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn the_request_timeout_does_not_apply_to_links() {
    let limits = |limits: &mut Limits| limits.request_timeout = Duration::from_secs(1);
    let fixture = Fixture::with(|builder, _| builder.limits(limits)).await;
    let mut client = fixture.alice().await;

    for id in 0..10 {
        fixture.clock.advance(Duration::from_secs(1));
        client.text(&format!(r#"42{id}["echo",1]"#)).await;
        assert_eq!(client.packet().await.unwrap(), format!("43{id}[1]"));
    }
}

/// Behind a proxy all clients have one peer address; budgets must count the forwarded one.
#[tokio::test]
async fn a_client_behind_a_proxy_does_not_use_up_the_budget_of_others() {
    let limits = |limits: &mut Limits| limits.max_http_connections = 2;
    let served = Served::start(limits, &["127.0.0.1"], routes()).await;
    let slow = "Content-Length: 5\r\n\r\n";
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut client = served.ask("203.0.113.1", "POST /read").await;
        client.bytes(slow.as_bytes()).await;
        held.push(client);
    }
    // The server has seen both when it refuses a third.
    let refused = async {
        loop {
            let (client, head) = served.get("203.0.113.1", "/whoami").await;
            if head.starts_with("HTTP/1.1 429 ") {
                assert!(head.contains("retry-after: 1\r\n"), "{head}");
                return client;
            }
        }
    };
    let mut refused = in_time(refused).await;

    for number in 0..50 {
        let client = format!("198.51.100.{number}");
        let (_, head) = served.get(&client, "/whoami").await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    }

    // A refusal keeps the proxy's connection open, and a place is free after its response.
    for mut client in held {
        client.bytes(b"12345").await;
        assert!(client.head().await.starts_with("HTTP/1.1 200 "));
    }
    refused.bytes(b"GET /whoami HTTP/1.1\r\nHost: x\r\n").await;
    refused.bytes(b"X-Forwarded-For: 203.0.113.1\r\nConnection: close\r\n\r\n").await;
    let rest = String::from_utf8(refused.body().await).unwrap();
    assert!(rest.contains("HTTP/1.1 200 ") && rest.ends_with("203.0.113.1"), "{rest}");
}

/// All clients reconnect at once, as after a restart.
#[tokio::test]
async fn many_clients_may_connect_at_once_through_one_proxy() {
    let limits = |limits: &mut Limits| limits.max_http_connections = 1;
    let served = Served::start(limits, &["127.0.0.1"], routes()).await;
    let mut clients = Vec::new();
    for number in 0..200 {
        let path = "GET /socket.io/?EIO=4&transport=websocket";
        clients.push(served.ask(&format!("198.51.100.{number}"), path).await);
    }

    for client in &mut clients {
        let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        client.bytes(upgrade.as_bytes()).await;
    }

    for client in &mut clients {
        assert!(client.head().await.starts_with("HTTP/1.1 101 "));
    }
}

/// A request counts until its response is sent, not until the handler returns.
#[tokio::test]
async fn a_response_counts_as_a_request_until_it_has_been_read() {
    const SIZE: usize = 64 * 1024 * 1024;
    let limits = |limits: &mut Limits| limits.max_http_connections = 1;
    let routes = routes().route("/large", get(|| async { vec![0_u8; SIZE] }));
    let served = Served::start(limits, &["127.0.0.1"], routes).await;
    let (mut unread, _) = served.get("203.0.113.1", "/large").await;

    let (_, head) = served.get("203.0.113.1", "/whoami").await;
    assert!(head.starts_with("HTTP/1.1 429 "), "{head}");
    let (_, head) = served.get("203.0.113.2", "/whoami").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");

    assert!(unread.body_of(SIZE).await);
    let free_again = async {
        while !served.get("203.0.113.1", "/whoami").await.1.starts_with("HTTP/1.1 200 ") {}
    };
    in_time(free_again).await;
}

#[tokio::test]
async fn the_connections_of_a_proxy_are_bounded() {
    let limits = |limits: &mut Limits| limits.max_proxy_connections = 2;
    let served = Served::start(limits, &["127.0.0.1"], routes()).await;
    let _first = served.get("203.0.113.1", "/whoami").await;
    let _second = served.get("203.0.113.2", "/whoami").await;

    let mut third = RawClient::connect(served.address).await;

    assert_eq!(third.body().await, b"");
}

#[tokio::test]
async fn only_a_trusted_proxy_may_name_the_client() {
    for (proxies, expected) in [(&["127.0.0.1"][..], "203.0.113.1"), (&[][..], "127.0.0.1")] {
        let served = Served::start(|_| {}, proxies, routes()).await;
        let mut client = served.ask("203.0.113.1", "GET /whoami").await;
        client.bytes(b"Connection: close\r\n\r\n").await;

        let answer = String::from_utf8(client.body().await).unwrap();

        assert!(answer.ends_with(expected), "{answer}");
    }
}

/// Requests a link as a proxy forwards it for `client`.
async fn upgrade(address: SocketAddr, path: &str, client: &str) -> (RawClient, String) {
    let head = format!(
        "GET {path}?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {client}\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    RawClient::request(address, head.as_bytes()).await
}

/// Mounts a server in axum that allows one unauthenticated link for each address.
#[cfg(feature = "axum")]
async fn mounted(proxies: &[&str]) -> (SocketAddr, JoinHandle<std::io::Result<()>>) {
    let doorward = Doorward::builder()
        .public(Gateway::<Anonymous>::at("/"))
        .limits(|limits: &mut Limits| limits.max_unauthenticated_links = 1)
        .trusted_proxies(proxies)
        .build()
        .unwrap();
    let app = Router::new()
        .route_service("/socket.io/", doorward.service())
        .route_service("/socket.io", doorward.service());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    (address, tokio::spawn(async move { axum::serve(listener, app).await }))
}

/// The feature `axum` reads the peer address that axum provides; no middleware is needed.
#[cfg(feature = "axum")]
#[tokio::test]
async fn in_axum_budgets_count_for_the_client_behind_the_proxy() {
    let (address, server) = mounted(&["127.0.0.1"]).await;

    let (_one, first) = upgrade(address, "/socket.io/", "203.0.113.1").await;
    let (_more, again) = upgrade(address, "/socket.io/", "203.0.113.1").await;
    let (_other, other) = upgrade(address, "/socket.io", "203.0.113.2").await;

    assert!(first.starts_with("HTTP/1.1 101 "), "{first}");
    assert!(again.starts_with("HTTP/1.1 429 "), "{again}");
    assert!(other.starts_with("HTTP/1.1 101 "), "{other}");
    server.abort();
}

#[tokio::test]
async fn the_path_is_valid_without_its_last_slash() {
    let fixture = Fixture::with(|builder, _| builder).await;

    for path in ["/socket.io/", "/socket.io"] {
        let (_client, head) = upgrade(fixture.address, path, "203.0.113.1").await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{path}: {head}");
    }
    for path in ["/socket.io/x", "/socket.iox", "/"] {
        let (_client, head) = upgrade(fixture.address, path, "203.0.113.1").await;
        assert!(head.starts_with("HTTP/1.1 404 "), "{path}: {head}");
    }
}

/// The warning is logged even if other proxies are configured, because all clients of a proxy that
/// is not configured share one budget.
#[tokio::test]
async fn an_untrusted_proxy_is_logged_once() {
    for (proxies, expected) in [(&[][..], 1), (&["192.0.2.1"][..], 1), (&["127.0.0.1"][..], 0)] {
        let log = Log::default();
        let _kept = log.keep(Level::INFO);
        let fixture = Fixture::with(|builder, _| builder.trusted_proxies(proxies)).await;

        for client in ["203.0.113.1", "203.0.113.2"] {
            upgrade(fixture.address, "/socket.io/", client).await;
        }

        let lines = log.lines_with("X-Forwarded-For is ignored");
        assert_eq!(lines.len(), expected, "{proxies:?}: {lines:?}");
        assert!(
            lines.iter().all(|line| line.contains("127.0.0.1") && line.contains("trusted_proxies"))
        );
    }
}

#[tokio::test]
async fn an_unknown_client_address_is_logged_once() {
    let log = Log::default();
    let _kept = log.keep(Level::INFO);
    let doorward = Doorward::builder().public(Gateway::<Anonymous>::at("/")).build().unwrap();
    let app = Router::new().route_service("/socket.io/", doorward.service());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, app).await });

    for _ in 0..2 {
        upgrade(address, "/socket.io/", "203.0.113.1").await;
    }

    assert_eq!(log.lines_with("The address of a client is not known").len(), 1);
    server.abort();
}

/// Applies where another HTTP server accepts the connections and sets `PeerAddr`.
#[tokio::test]
async fn a_mounted_server_reads_the_client_address_from_a_trusted_proxy() {
    let audit = doorward_testkit::AuditLog::default();
    let doorward = Doorward::builder()
        .public(Gateway::<Anonymous>::at("/"))
        .trusted_proxies(["127.0.0.1"])
        .audit(audit.clone())
        .build()
        .unwrap();
    let app = Router::new().route_service("/socket.io/", doorward.service()).layer(
        axum::middleware::map_request(|mut request: Request| async move {
            request.extensions_mut().insert(PeerAddr(([127, 0, 0, 1], 1).into()));
            request
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, app).await });

    let head = b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n\
                 X-Forwarded-For: 203.0.113.9\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let (mut client, _) = RawClient::request(address, head).await;
    client.json("0").await;
    client.text("40").await;
    client.json("40").await;

    let network = doorward.principals().sockets().await.value[0].network.unwrap();
    assert_eq!(network.to_string(), "203.0.113.0");
    server.abort();
}

#[test]
fn a_proxy_network_of_all_addresses_does_not_build() {
    let builder = Doorward::builder().public(Gateway::at("/")).trusted_proxies(["0.0.0.0/0"]);

    assert!(matches!(builder.build(), Err(BuildError::TrustedProxy(_))));
}
