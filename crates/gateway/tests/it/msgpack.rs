//! Clients that use MessagePack.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use doorward::{Revoke, event::Bytes, prelude::*};
use doorward_protocol::{msgpack, packet::Packet, ws::Opcode};
use doorward_testkit::{Poller, RawClient, Seen};
use serde_json::{Value, json};

use crate::{
    fixture::{Fixture, in_time},
    memory::{Member, Memory},
};

/// Returns a packet as a client with MessagePack sends it.
fn packed(text: &str) -> Vec<u8> {
    let mut message = Vec::new();
    msgpack::encode(&mut message, &Packet::parse(text).unwrap(), &[]).unwrap();
    message
}

async fn send(client: &mut RawClient, text: &str) {
    client.bytes(&RawClient::frame(Opcode::Binary, &packed(text))).await;
}

/// Reads the next packet, in the text format.
async fn next(client: &mut RawClient) -> String {
    match in_time(client.next()).await {
        Seen::Binary(message) => {
            msgpack::decode(&message, usize::MAX, 10).unwrap().packet().to_string()
        }
        other => panic!("no packet in MessagePack: {other:?}"),
    }
}

async fn alice() -> (Fixture, RawClient) {
    let fixture = Fixture::with(|builder, _| builder.msgpack()).await;
    let mut client = RawClient::open(fixture.address).await;
    send(&mut client, r#"0{"token":"good:alice"}"#).await;
    assert!(next(&mut client).await.starts_with(r#"0{"sid":"#));
    (fixture, client)
}

#[tokio::test]
async fn a_client_is_admitted_and_exchanges_events() {
    let (fixture, mut client) = alice().await;

    send(&mut client, r#"27["echo",{"a":[1,-2,1.5,null,"ü"]}]"#).await;
    assert_eq!(next(&mut client).await, r#"37[{"a":[1,-2,1.5,null,"ü"]}]"#);
    send(&mut client, r#"0/chat,{"token":"expired"}"#).await;
    assert!(next(&mut client).await.starts_with(r#"4/chat,{"message":"Unauthorized""#));
    // Packets of Engine.IO are text.
    fixture.clock.advance(Duration::from_secs(25));
    assert_eq!(in_time(client.next()).await, Seen::Text("2".into()));
    client.text("3").await;
    send(&mut client, "21[\"whoami\"]").await;
    assert_eq!(next(&mut client).await, r#"31["alice"]"#);
}

#[tokio::test]
async fn a_client_with_the_other_format_is_disconnected() {
    let (fixture, mut client) = alice().await;
    client.text(r#"42["echo",1]"#).await;
    assert!(matches!(client.rest().await[..], [Seen::Closed(Some(1008))]));
    assert_eq!(fixture.handlers(), 0);

    let text = Fixture::start().await;
    let mut client = RawClient::open(text.address).await;
    send(&mut client, r#"0{"token":"good:alice"}"#).await;
    assert!(matches!(client.rest().await[..], [Seen::Closed(Some(1008))]));
    assert_eq!(text.authentications(), 0);
}

/// A stock client does not reconnect after an answer, and would do so for ever without one.
#[tokio::test]
async fn each_connect_is_answered() {
    let long = format!(r#"0{{"token":"{}"}}"#, "x".repeat(20_000));
    let mut bytes = b"\x83\xa4type\x00\xa4data\x81\xa5token\xc4\x01x\xa3nsp\xa1/".to_vec();
    for message in [packed(&long), std::mem::take(&mut bytes), packed("07")] {
        let fixture = Fixture::with(|builder, _| builder.msgpack()).await;
        let mut client = RawClient::open(fixture.address).await;
        client.bytes(&RawClient::frame(Opcode::Binary, &message)).await;
        let refused = next(&mut client).await;
        assert!(refused.starts_with(r#"4{"message":"#), "{refused}");
        assert!(!refused.contains("xxxx"));
    }

    // A client without the parser reads text only.
    let fixture = Fixture::with(|builder, _| builder.msgpack()).await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(r#"40/chat,{"token":"good:alice"}"#).await;
    let refused = client.json("44/chat,").await;
    assert_eq!(refused["data"]["code"], "bad_handshake");
    let rest = client.rest().await;
    assert!(matches!(rest[..], [Seen::Text(_), Seen::Closed(Some(1000))]), "{rest:?}");
    // An error in place of the answer to its POST would make it reconnect.
    let poller = Poller::open(fixture.address).await;
    let mut get = poller.begin("GET", &poller.query(), "").await;
    assert_eq!(poller.post(r#"40{"token":"good:alice"}"#).await.body, "ok");
    let refused = Poller::finish(&mut get).await.body;
    assert!(refused.starts_with("44{") && refused.contains("bad_handshake"), "{refused}");
    assert_eq!(fixture.authentications(), 0);
}

#[tokio::test]
async fn bytes_from_a_client_that_is_not_known_are_refused() {
    let fixture = Fixture::with(|builder, _| builder.msgpack()).await;
    let mut client = RawClient::open(fixture.address).await;
    let event = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa4echo\xc4\x01x";

    client.bytes(&RawClient::frame(Opcode::Binary, event)).await;

    assert!(matches!(client.rest().await[..], [Seen::Closed(Some(1008))]));
}

/// Each frame is a packet of its own, so a revocation cuts exactly those of its user.
#[tokio::test]
async fn nothing_that_waits_reaches_a_revoked_client_by_polling() {
    let fixture = Fixture::with(|builder, _| builder.msgpack()).await;
    let poller = Poller::open(fixture.address).await;
    let connect = STANDARD.encode(packed(r#"0{"token":"good:alice"}"#));
    assert_eq!(poller.post(&format!("b{connect}")).await.body, "ok");
    let connected = poller.get().await;
    assert!(connected.body.starts_with('b'), "{connected:?}");
    let hub = fixture.doorward.hub::<crate::fixture::User>("/").unwrap();
    for number in 0..3 {
        hub.emit("secret", number).unwrap();
    }

    fixture.doorward.principals().revoke(Revoke::User("alice".into())).await.unwrap();

    let rest = poller.get().await.body;
    let packets = rest.split('\x1e').filter_map(|packet| packet.strip_prefix('b'));
    let texts: Vec<_> = packets
        .map(|packet| STANDARD.decode(packet).unwrap())
        .map(|packet| msgpack::decode(&packet, 1000, 0).unwrap().packet().to_string())
        .collect();
    assert!(texts.iter().any(|text| text.contains("session_ended")), "{texts:?}");
    assert!(!texts.iter().any(|text| text.contains("secret")), "{texts:?}");
}

/// Tests of an application need not know the format.
#[tokio::test]
async fn a_test_server_translates() {
    let gateway = Gateway::at("/")
        .on("both", |Payload(both): Payload<(Binary, Binary)>| async move { Args(both) })
        .on("any", |Payload(any): Payload<Value>| async move { any });
    let memory = Memory::with(|builder| builder.msgpack().gateway(gateway)).await;
    let mut client = memory.connect("alice").await;
    let bytes = |text: &'static str| Binary(Bytes::from_static(text.as_bytes()));

    assert_eq!(client.emit_with_ack::<Value>("any", json!({ "a": 1 })).await, json!({ "a": 1 }));
    let both: (Binary, Binary) = client.emit_with_ack("both", Args((bytes("1"), bytes("")))).await;
    assert_eq!(both, (bytes("1"), bytes("")));
    let hub = memory.server.doorward().hub::<Member>("/").unwrap();
    hub.emit("news", (7, bytes("2"))).unwrap();
    let news: (u8, Binary) = client.expect_event("news").await;
    assert_eq!(news, (7, bytes("2")));
}
