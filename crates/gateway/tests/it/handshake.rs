//! The request that opens a link.

use std::time::Duration;

use doorward_protocol::ws::Opcode;
use doorward_testkit::RawClient;
use serde_json::json;

use crate::fixture::{Fixture, GOOD};

/// Asks with `query` and without an upgrade; returns the status and the body.
async fn ask(fixture: &Fixture, query: &str) -> (String, serde_json::Value) {
    let request =
        format!("GET /socket.io/?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let (mut client, head) = RawClient::request(fixture.address, request.as_bytes()).await;
    let status = head.split(' ').nth(1).unwrap().to_owned();
    (status, serde_json::from_slice(&client.body().await).unwrap())
}

#[tokio::test]
async fn a_link_is_opened_with_what_the_client_must_know() {
    let fixture = Fixture::start().await;

    let (_client, mut open) = RawClient::open_with(fixture.address, b"").await;

    let sid = open.as_object_mut().unwrap().remove("sid").unwrap();
    assert_eq!(sid.as_str().unwrap().len(), 24);
    assert_eq!(
        open,
        json!({ "upgrades": [], "pingInterval": 25000, "pingTimeout": 20000, "maxPayload": 65536 })
    );
}

#[tokio::test]
async fn what_is_sent_right_behind_the_request_is_not_lost() {
    let fixture = Fixture::start().await;
    let connect = RawClient::frame(Opcode::Text, GOOD.as_bytes());

    let (mut client, _) = RawClient::open_with(fixture.address, &connect).await;

    client.json("40").await;
}

#[tokio::test]
async fn a_client_that_begins_with_polling_is_told_what_to_write() {
    let fixture = Fixture::start().await;

    let (status, body) = ask(&fixture, "EIO=4&transport=polling").await;

    assert_eq!(status, "400");
    assert_eq!(body["code"], 0);
    assert!(body["message"].as_str().unwrap().contains(r#"transports: ["websocket"]"#));
}

/// Attack 38: an old client enters "/" without a credential.
#[tokio::test]
async fn an_old_client_is_refused() {
    let fixture = Fixture::start().await;

    let (status, body) = ask(&fixture, "EIO=3&transport=websocket").await;

    assert_eq!((&*status, &body["code"]), ("400", &json!(5)));
}

#[tokio::test]
async fn an_engine_session_cannot_be_named_by_a_new_link() {
    let fixture = Fixture::start().await;
    let (_client, open) = RawClient::open_with(fixture.address, b"").await;
    let sid = open["sid"].as_str().unwrap();

    let (status, body) = ask(&fixture, &format!("EIO=4&transport=websocket&sid={sid}")).await;

    assert_eq!((&*status, &body["code"]), ("400", &json!(1)));
}

/// Attack 25.
#[tokio::test]
async fn a_token_in_the_query_opens_nothing() {
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

/// Attack 32.
#[tokio::test]
async fn headers_that_never_end_are_not_waited_for() {
    let fixture = Fixture::start().await;
    let mut client = RawClient::connect(fixture.address).await;
    client.bytes(b"GET /socket.io/ HTTP/1.1\r\nHost: x\r\nX: ").await;
    // Another request shows that the server has taken the first connection in.
    ask(&fixture, "EIO=4").await;

    let clock = fixture.clock.clone();
    let ticking = tokio::spawn(async move {
        loop {
            clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    });

    let body = client.body().await;
    ticking.abort();
    assert!(body.is_empty() || body.starts_with(b"HTTP/1.1 408"), "{body:?}");
}
