//! A server mounted into a router of axum and served by `axum::serve`.

use axum::{Router, extract::Request, middleware, routing::get};
use doorward::{prelude::*, server::PeerAddr};
use doorward_testkit::{AuditLog, RawClient};
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
