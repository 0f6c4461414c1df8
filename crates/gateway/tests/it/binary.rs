//! Binary events and acks in both directions.

use doorward::{
    Limits,
    event::{Bytes, RawArguments},
    prelude::*,
};
use doorward_protocol::ws::Opcode;
use doorward_testkit::{RawClient, Seen};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    fixture::Fixture,
    memory::{Member, Memory},
};

#[derive(Deserialize, Serialize)]
struct Upload {
    name: String,
    parts: Vec<Binary>,
}

/// Payload that docs/wire.md shows for a handler of bytes or any JSON.
#[derive(Deserialize)]
#[serde(untagged)]
enum Either {
    Bytes(Binary),
    Json(Value),
}

fn gateway() -> Gateway<Member> {
    Gateway::at("/")
        .on("upload", |Payload(upload): Payload<Upload>| async move {
            upload.parts.iter().map(|part| part.0.len()).sum::<usize>()
        })
        .on("back", |Payload(upload): Payload<Upload>| async move { upload })
        .on("any", |Payload(any): Payload<Value>| async move { any })
        .on("either", |Payload(either): Payload<Either>| async move {
            match either {
                Either::Bytes(bytes) => json!({ "bytes": bytes.0.len() }),
                Either::Json(json) => json,
            }
        })
        .on("raw", |arguments: RawArguments| async move { arguments })
        .on("send", |me: Socket<Member>| async move {
            me.emit("file", ("a.bin", Binary(Bytes::from_static(b"\0\xff"))))
        })
}

fn upload(parts: &[&'static [u8]]) -> Upload {
    let parts = parts.iter().map(|part| Binary(Bytes::from_static(part))).collect();
    Upload { name: "x".into(), parts }
}

#[tokio::test]
async fn attachments_keep_their_place_in_the_payload_in_both_directions() {
    let memory = Memory::serve(gateway()).await;
    let mut alice = memory.connect("alice").await;

    assert_eq!(alice.emit_with_ack::<usize>("upload", upload(&[b"abc", b"", b"de"])).await, 5);
    let back: Upload = alice.emit_with_ack("back", upload(&[b"abc", b"\0\xff"])).await;
    assert_eq!(back.parts[1].0, Bytes::from_static(b"\0\xff"));
    let raw = alice.ask("raw", upload(&[b"abc"])).await;
    assert_eq!(raw.attachments(), [Bytes::from_static(b"abc")]);
    alice.emit_with_ack::<()>("send", ()).await;
    let (name, file): (String, Binary) = alice.expect_event("file").await;
    assert_eq!((&*name, &file.0[..]), ("a.bin", &b"\0\xff"[..]));
}

#[tokio::test]
async fn broadcasts_and_acks_may_carry_attachments() {
    let memory = Memory::serve(gateway()).await;
    let hub = memory.server.doorward().hub::<Member>("/").unwrap();
    let (mut alice, mut bob) = (memory.connect("alice").await, memory.connect("bob").await);

    hub.emit("file", Binary(Bytes::from_static(b"12"))).unwrap();
    for client in [&mut alice, &mut bob] {
        assert_eq!(client.expect_event::<Binary>("file").await.0, Bytes::from_static(b"12"));
    }
    let connection = hub.local_socket(alice.id()).unwrap();
    let (answer, ()) = tokio::join!(connection.emit_with_ack::<Binary>("file?", ()), async {
        let question = alice.next_event().await;
        alice.answer(&question, Binary(Bytes::from_static(b"345"))).await;
    });
    assert_eq!(answer.unwrap().0, Bytes::from_static(b"345"));
}

#[tokio::test]
async fn a_handler_that_cannot_hold_bytes_never_sees_a_placeholder() {
    let memory = Memory::serve(gateway()).await;
    let mut alice = memory.connect("alice").await;

    let exception = alice.expect_exception("any", upload(&[b"abc"])).await;

    assert_eq!(exception.code(), "bad_payload");
    let (path, message) = exception.details()[0];
    assert_eq!(path, "parts[0]");
    assert_eq!(message, "expected any valid JSON value, not bytes");
    assert_eq!(alice.emit_with_ack::<Value>("any", json!({ "a": 1 })).await, json!({ "a": 1 }));
}

#[tokio::test]
async fn a_handler_may_accept_bytes_or_any_json() {
    let memory = Memory::serve(gateway()).await;
    let mut alice = memory.connect("alice").await;

    let bytes = Binary(Bytes::from_static(b"abc"));

    assert_eq!(alice.emit_with_ack::<Value>("either", bytes).await, json!({ "bytes": 3 }));
    assert_eq!(alice.emit_with_ack::<Value>("either", json!([1])).await, json!([1]));
}

/// A receiver could not read a forged placeholder, half a surrogate pair or a number beyond `f64`.
#[tokio::test]
async fn arguments_that_cannot_be_passed_on_are_a_bad_payload() {
    let fixture = Fixture::with(|builder, _| {
        builder.gateway(
            Gateway::at("/raw").on("raw", |arguments: RawArguments| async move { arguments }),
        )
    })
    .await;
    let mut client = fixture.alice().await;
    client.text(r#"40/raw,{"token":"good:alice"}"#).await;
    client.json("40/raw,").await;

    for argument in [r#"{"_placeholder":true,"num":1}"#, r#""\ud800""#, "1e999"] {
        client.text(&format!(r#"451-/raw,7["raw",{argument}]"#)).await;
        client.bytes(&RawClient::frame(Opcode::Binary, b"x")).await;

        let answer = client.json("43/raw,7").await;
        assert_eq!(answer[0]["code"], "bad_payload", "{argument}");
    }
}

#[tokio::test]
async fn a_forged_placeholder_is_a_bad_payload() {
    let memory = Memory::serve(gateway()).await;
    let mut alice = memory.connect("alice").await;

    // The message announces no attachment.
    let forged = serde_json::json!({ "name": "x", "parts": [{ "_placeholder": true, "num": 0 }] });

    let exception = alice.expect_exception("upload", forged).await;
    assert_eq!(exception.code(), "bad_payload");
    assert_eq!(exception.details()[0].0, "parts[0]");
}

/// Attack 41, over TCP: each case ends the link, and no handler runs.
#[tokio::test]
async fn malformed_binary_ends_the_link() {
    let head = r#"451-["echo",{"_placeholder":true,"num":0}]"#;
    let text = |text: &str| RawClient::frame(Opcode::Text, text.as_bytes());
    let binary = |bytes: &[u8]| RawClient::frame(Opcode::Binary, bytes);
    let cases: [(&str, Vec<Vec<u8>>); 6] = [
        ("no announcement", vec![binary(b"x")]),
        ("a billion", vec![text("4510000000000-[\"echo\"]")]),
        ("eleven", vec![text("4511-[\"echo\"]")]),
        ("text between", vec![text(head), text(r#"42["echo",1]"#)]),
        ("no count", vec![text(r#"45["echo"]"#)]),
        // Attachments count as part of the message, which may have 64 KiB.
        ("too large", vec![text(head), binary(&vec![0; 65_500])]),
    ];
    for (case, frames) in cases {
        let fixture = Fixture::start().await;
        let mut client = fixture.alice().await;

        client.bytes(&frames.concat()).await;

        assert_eq!(client.packet().await, None, "{case}");
        assert_eq!(fixture.handlers(), 0, "{case}");
    }
}

#[tokio::test]
async fn binary_before_admission_closes_the_link() {
    for frame in [
        RawClient::frame(Opcode::Binary, b"x"),
        RawClient::frame(Opcode::Text, br#"451-["echo",{"_placeholder":true,"num":0}]"#),
    ] {
        let fixture = Fixture::start().await;
        let mut client = RawClient::open(fixture.address).await;

        client.bytes(&frame).await;

        assert_eq!(client.packet().await, None);
    }
}

#[tokio::test]
async fn missing_attachments_time_out_and_end_the_link() {
    let fixture = Fixture::start().await;
    let mut client = fixture.alice().await;
    client.text(r#"451-["echo",{"_placeholder":true,"num":0}]"#).await;
    // The pong shows that the server has read everything before the ping.
    client.bytes(&RawClient::frame(Opcode::Ping, b"")).await;
    assert_eq!(client.next().await, Seen::Pong(Vec::new()));

    fixture.clock.advance(Limits::default().attachments_timeout);

    assert_eq!(client.packet().await, None);
    assert_eq!(fixture.handlers(), 0);
}
