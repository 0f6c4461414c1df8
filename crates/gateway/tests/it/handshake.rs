//! The HTTP request that opens a link.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use doorward_protocol::ws::Opcode;
use doorward_testkit::{Poller, RawClient};
use serde_json::json;

use crate::fixture::{Fixture, GOOD};

/// Sends a request with `query` and without an upgrade, and returns the status and the body.
async fn ask(fixture: &Fixture, query: &str) -> (String, serde_json::Value) {
    let request =
        format!("GET /socket.io/?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let (mut client, head) = RawClient::request(fixture.address, request.as_bytes()).await;
    let status = head.split(' ').nth(1).unwrap().to_owned();
    (status, serde_json::from_slice(&client.body().await).unwrap())
}

#[tokio::test]
async fn the_open_packet_carries_the_settings_of_the_link() {
    let fixture = Fixture::start().await;

    let (_client, mut open) = RawClient::open_with(fixture.address, b"").await;

    let sid = open.as_object_mut().unwrap().remove("sid").unwrap();
    // 18 random bytes in base64url.
    assert_eq!(sid.as_str().unwrap().len(), 24);
    assert_eq!(
        open,
        json!({ "upgrades": [], "pingInterval": 25000, "pingTimeout": 20000, "maxPayload": 65536 })
    );
}

#[tokio::test]
async fn bytes_sent_together_with_the_upgrade_request_are_not_lost() {
    let fixture = Fixture::start().await;
    let connect = RawClient::frame(Opcode::Text, GOOD.as_bytes());

    let (mut client, _) = RawClient::open_with(fixture.address, &connect).await;

    client.json("40").await;
}

/// Attack 38: with protocol version 3 a client enters `/` without a CONNECT, so without a credential.
#[tokio::test]
async fn a_client_of_protocol_version_3_is_refused() {
    let fixture = Fixture::start().await;

    let (status, body) = ask(&fixture, "EIO=3&transport=websocket").await;

    // 5 is an unsupported protocol version.
    assert_eq!((&*status, &body["code"]), ("400", &json!(5)));
}

#[tokio::test]
async fn a_new_link_cannot_name_an_existing_engine_session() {
    let fixture = Fixture::start().await;
    let (_client, open) = RawClient::open_with(fixture.address, b"").await;
    let sid = open["sid"].as_str().unwrap();

    let (status, body) = ask(&fixture, &format!("EIO=4&transport=polling&sid={sid}")).await;

    // 1 is an unknown session: a client with a WebSocket never polls.
    assert_eq!((&*status, &body["code"]), ("400", &json!(1)));
}

/// Attack 25: queries end up in access logs, so a token there must not authenticate.
#[tokio::test]
async fn a_token_in_the_query_is_ignored() {
    let fixture = Fixture::start().await;
    let request = "GET /socket.io/?EIO=4&transport=websocket&token=good:alice HTTP/1.1\r\n\
                   Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let (mut client, head) = RawClient::request(fixture.address, request.as_bytes()).await;
    assert!(head.starts_with("HTTP/1.1 101 "));
    client.packet().await;

    client.text("40").await;

    assert_eq!(client.json("44").await["data"]["code"], "unauthenticated");
}

/// Attack 32: a slow-loris client that never finishes its request.
#[tokio::test]
async fn a_request_whose_headers_never_end_times_out() {
    let fixture = Fixture::start().await;
    let mut client = RawClient::connect(fixture.address).await;
    client.bytes(b"GET /socket.io/ HTTP/1.1\r\nHost: x\r\nX: ").await;
    // The answer to a second request shows that the first connection was accepted.
    ask(&fixture, "EIO=4").await;

    let clock = fixture.clock.clone();
    let ticking = tokio::spawn(async move {
        loop {
            clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    });

    // The connection closes silently or with 408, depending on what hyper has read.
    let body = client.body().await;
    ticking.abort();
    assert!(body.is_empty() || body.starts_with(b"HTTP/1.1 408"), "{body:?}");
}

#[tokio::test]
async fn the_application_hears_of_requests_that_open_no_link() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&seen);
    let fixture = Fixture::with(|builder, _| {
        builder.on_connection_error(move |error| {
            let origin = error.headers.get_str("origin").unwrap_or_default();
            assert!(error.headers.get_str("cookie").is_none(), "credentials are not passed on");
            let client = error.client.map(|client| client.to_string()).unwrap_or_default();
            listener.lock().unwrap().push(format!(
                "{} {} {} {client} {origin}",
                error.status, error.code, error.message
            ));
            panic!("the application has a bug");
        })
    })
    .await;
    let poller = Poller {
        headers: "cookie: id=secret\r\norigin: https://evil.example\r\n".into(),
        ..Poller::at(fixture.address)
    };
    for (query, status) in [
        ("EIO=3&transport=polling", 400),
        ("EIO=4&transport=smoke", 400),
        ("EIO=4&transport=polling", 403),
        ("EIO=4&transport=websocket", 426),
    ] {
        assert_eq!(poller.send("GET", query, "").await.status, status);
    }
    let unknown = Poller { headers: String::new(), sid: "unknown".into(), ..poller };
    assert_eq!(unknown.get().await.status, 400);

    let seen = seen.lock().unwrap().clone();
    assert_eq!(
        seen,
        [
            "400 5 Unsupported protocol version 127.0.0.1 https://evil.example",
            "400 0 Transport unknown 127.0.0.1 https://evil.example",
            "403 4 Origin not allowed 127.0.0.1 https://evil.example",
            "426 3 Upgrade to WebSocket required 127.0.0.1 https://evil.example",
            "400 1 Session ID unknown 127.0.0.1 ",
        ]
    );
}
