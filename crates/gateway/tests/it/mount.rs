//! A server mounted into a router of axum and served by `axum::serve`.

use axum::{Router, body::Body, extract::Request, middleware, routing::get};
use doorward::{prelude::*, server::PeerAddr};
use doorward_testkit::{AuditLog, Poller, RawClient};
use tokio::net::TcpListener;

#[tokio::test]
async fn a_server_mounts_into_an_axum_router_beside_its_routes() {
    let audit = AuditLog::default();
    let doorward = Doorward::builder()
        .public(Gateway::at("/").on("echo", |Payload(text): Payload<String>| async { text }))
        .audit(audit.clone())
        .build()
        .unwrap();
    let app = Router::new()
        .route("/hello", get(|| async { "hello" }))
        .route_service("/socket.io/", doorward.service())
        // `axum::serve` does not pass on the peer address by itself.
        .layer(middleware::map_request(|mut request: Request| async move {
            request.extensions_mut().insert(PeerAddr(([127, 0, 0, 1], 1).into()));
            request
        }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, app).await });

    let (_, head) = RawClient::request(address, b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let mut client = RawClient::open(address).await;
    client.text("40").await;
    client.json("40").await;
    client.text(r#"421["echo","through axum"]"#).await;
    assert_eq!(client.packet().await.as_deref(), Some(r#"431["through axum"]"#));

    assert_eq!(doorward.connections(), 1);
    assert_eq!(audit.outcomes().len(), 1);
    server.abort();
}

/// The requests of a client that polls may have the same connection to a server of the application.
#[tokio::test]
async fn a_client_polls_and_upgrades_through_another_server() {
    let gateway = Gateway::at("/").on("echo", |Payload(text): Payload<String>| async { text });
    let doorward = Doorward::builder().public(gateway).build().unwrap();
    let app = Router::new().route_service("/socket.io/", doorward.service());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, app).await });

    let poller = Poller::open(address).await;
    assert_eq!(poller.post("40").await.body, "ok");
    assert!(poller.get().await.body.starts_with("40{"));
    assert_eq!(poller.post(r#"421["echo","polled"]"#).await.body, "ok");
    assert_eq!(poller.get().await.body, r#"431["polled"]"#);
    let request = format!(
        "GET /socket.io/?EIO=4&transport=websocket&sid={} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        poller.sid
    );
    let (mut client, head) = RawClient::request(address, request.as_bytes()).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    client.text("2probe").await;
    assert_eq!(client.packet().await.as_deref(), Some("3probe"));
    client.texts(["5", r#"422["echo","upgraded"]"#]).await;
    assert_eq!(client.packet().await.as_deref(), Some(r#"432["upgraded"]"#));
    server.abort();
}

/// With HTTP/2, all requests share one connection. A WebSocket needs HTTP/1.1, so clients go on
/// polling, or open a second connection.
#[tokio::test]
async fn a_client_polls_over_http_2() {
    use hyper_util::rt::{TokioExecutor, TokioIo};

    let gateway = Gateway::at("/").on("echo", |Payload(text): Payload<String>| async { text });
    let doorward = Doorward::builder().public(gateway).build().unwrap();
    let app = Router::new().route_service("/socket.io/", doorward.service());
    let (near, far) = tokio::io::duplex(64 * 1024);
    let service = hyper_util::service::TowerToHyperService::new(app);
    tokio::spawn(async move {
        let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        http.serve_connection(TokioIo::new(far), service).await
    });
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(near));
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let mut ask = async |method: &str, sid: &str, body: &'static str| {
        let sid = if sid.is_empty() { String::new() } else { format!("&sid={sid}") };
        let uri = format!("http://localhost/socket.io/?EIO=4&transport=polling{sid}");
        let request = http::Request::builder().method(method).uri(uri);
        let answer = sender.send_request(request.body(Body::from(body)).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 200);
        let bytes = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    };

    let open = ask("GET", "", "").await;
    let open: serde_json::Value = serde_json::from_str(open.trim_start_matches('0')).unwrap();
    let sid = open["sid"].as_str().unwrap();
    assert_eq!(ask("POST", sid, "40").await, "ok");
    assert!(ask("GET", sid, "").await.starts_with("40{"));
    assert_eq!(ask("POST", sid, r#"421["echo","two"]"#).await, "ok");
    assert_eq!(ask("GET", sid, "").await, r#"431["two"]"#);
}

/// The first request starts the init hook. It must neither be lost nor run again when that client leaves.
#[tokio::test]
async fn init_runs_once_although_the_first_request_is_aborted() {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };
    let (runs, begun, go) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(tokio::sync::Notify::new()),
        Arc::new(tokio::sync::Notify::new()),
    );
    let gates = (Arc::clone(&runs), Arc::clone(&begun), Arc::clone(&go));
    let gateway = Gateway::at("/").on_init(move |_| {
        let (runs, begun, go) = gates.clone();
        async move {
            runs.fetch_add(1, Ordering::SeqCst);
            begun.notify_one();
            go.notified().await;
            Ok(())
        }
    });
    let doorward = Doorward::builder().public(gateway).build().unwrap();
    let app = Router::new().route_service("/socket.io/", doorward.service());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let first = tokio::spawn(async move { RawClient::open(address).await });
    begun.notified().await;

    first.abort();
    assert!(first.await.is_err());
    go.notify_one();
    RawClient::open(address).await;

    assert_eq!(runs.load(Ordering::SeqCst), 1);
    server.abort();
}
