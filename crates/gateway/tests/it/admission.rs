//! Admission of CONNECTs, and the answers that refused clients receive.

use std::{sync::Arc, time::Duration};

use doorward::{
    DisconnectReason, PerUser,
    audit::Decision,
    auth::{Issuer, KeyRing, RefusalReason, SigningKey},
    prelude::*,
    server::Clock as _,
    test::{ManualClock, TestServer},
};
use doorward_testkit::{AuditLog, RawClient, Seen as Frame};
use serde_json::json;

use crate::fixture::{Fixture, GOOD, Seen};

/// Connects, asserts that the client reads one answer and the end of the link, and returns the answer.
async fn refused(fixture: &Fixture, connect: &str) -> serde_json::Value {
    let mut client = RawClient::open(fixture.address).await;
    client.text(connect).await;
    let answer = client.json("44").await;
    // `1` closes the Engine.IO link; 1000 is a normal closure (RFC 6455, section 7.4.1).
    assert_eq!(client.rest().await, [Frame::Text("1".into()), Frame::Closed(Some(1000))]);
    answer
}

#[tokio::test]
async fn a_valid_token_is_admitted_and_its_events_are_answered() {
    let fixture = Fixture::start().await;
    let mut client = RawClient::open(fixture.address).await;

    client.text(GOOD).await;

    let answer = client.json("40").await;
    assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["sid"]);
    client.text(r#"420["echo",{"a":[1,"ü"]}]"#).await;
    assert_eq!(client.json("430").await, json!([{ "a": [1, "ü"] }]));
    client.text(r#"421["whoami"]"#).await;
    assert_eq!(client.json("431").await, json!(["alice"]));
    assert_eq!(fixture.audit.outcomes(), [Decision::Admitted]);
    assert_eq!((fixture.doorward.connections(), fixture.doorward.links()), (1, 1));
}

#[tokio::test]
async fn a_refused_client_reads_one_answer_and_the_link_closes() {
    let fixture = Fixture::start().await;

    let answer = refused(&fixture, r#"40{"token":"wrong"}"#).await;

    let record = fixture.audit.records().remove(0);
    assert_eq!(
        answer,
        json!({
            "message": "Unauthorized",
            "data": { "code": "unauthenticated", "retry": "after_login", "id": record.id },
        })
    );
    assert_eq!(fixture.audit.outcomes(), [Decision::Refused(RefusalReason::TokenSignature)]);
    assert_eq!(Seen::count(&fixture.seen.connects), 0);
}

/// Attack 102: the answer must not tell a guesser which part was wrong.
#[tokio::test]
async fn unknown_credentials_read_alike_and_the_audit_tells_them_apart() {
    let fixture = Fixture::start().await;

    let mut missing = refused(&fixture, "40").await;
    let mut wrong = refused(&fixture, r#"40{"token":"wrong"}"#).await;

    for answer in [&mut missing, &mut wrong] {
        // Each refusal has an id of its own, which leads to its audit record.
        answer["data"].as_object_mut().unwrap().remove("id");
    }
    assert_eq!(missing, wrong);
    assert_eq!(
        fixture.audit.outcomes(),
        [
            Decision::Refused(RefusalReason::CredentialMissing),
            Decision::Refused(RefusalReason::TokenSignature)
        ]
    );
}

#[tokio::test]
async fn an_expired_grant_reads_as_an_expired_token() {
    let fixture = Fixture::start().await;

    let answer = refused(&fixture, r#"40{"token":"expired"}"#).await;

    assert_eq!(answer["data"]["code"], "token_expired");
    assert_eq!(answer["data"]["retry"], "after_refresh");
}

#[tokio::test]
async fn an_application_refuses_in_its_own_words() {
    let fixture = Fixture::start().await;

    let answer = refused(&fixture, r#"40{"token":"own"}"#).await;

    assert_eq!(answer["message"], "Invalid token");
    assert_eq!(answer["data"]["code"], "invalid_token");
}

#[tokio::test]
async fn an_unknown_namespace_gets_the_answer_of_the_protocol() {
    let fixture = Fixture::start().await;
    let mut client = RawClient::open(fixture.address).await;

    client.text(r#"40/admin,{"token":"good:alice"}"#).await;

    assert_eq!(client.json("44/admin,").await, json!({ "message": "Invalid namespace" }));
    assert_eq!(client.packet().await.as_deref(), Some("1"));
    assert_eq!(fixture.authentications(), 0);
}

/// Attack 27: arrays, duplicate members and `__proto__` in place of a plain object.
#[tokio::test]
async fn an_auth_payload_that_is_not_a_plain_object_is_a_bad_handshake() {
    let fixture = Fixture::start().await;

    for payload in ["[]", "\"x\"", "null", r#"{"token":"a","token":"b"}"#, "{\"__proto__\":1}"] {
        let answer = refused(&fixture, &format!("40{payload}")).await;
        assert_eq!(answer["data"]["code"], "bad_handshake", "{payload}");
    }

    assert_eq!(fixture.authentications(), 0);
}

#[tokio::test]
async fn an_undecided_admission_closes_the_transport_without_an_answer() {
    let fixture = Fixture::start().await;

    for token in ["away", "panic"] {
        let mut client = RawClient::open(fixture.address).await;
        client.text(&format!(r#"40{{"token":"{token}"}}"#)).await;
        // A stock client reconnects after 1001 without a packet; a CONNECT_ERROR would be final.
        assert_eq!(client.rest().await, [Frame::Closed(Some(1001))], "{token}");
    }

    assert_eq!(
        fixture.audit.outcomes(),
        [
            Decision::Undecided(RefusalReason::Unavailable),
            Decision::Undecided(RefusalReason::Panicked)
        ]
    );
}

/// Attack 98: an authenticator that never answers.
#[tokio::test]
async fn an_admission_that_hangs_ends_at_its_deadline() {
    let fixture = Fixture::start().await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(r#"40{"token":"slow"}"#).await;
    fixture.seen.begun.notified().await;

    // One second more than the default `admission_timeout`.
    fixture.clock.advance(Duration::from_secs(6));

    assert_eq!(client.rest().await, [Frame::Closed(Some(1001))]);
    assert_eq!(fixture.audit.outcomes(), [Decision::Undecided(RefusalReason::DeadlinePassed)]);
    assert_eq!(fixture.doorward.connections(), 0);
}

/// Attack 33: an event on a link without a socket.
#[tokio::test]
async fn an_event_before_connect_closes_the_link() {
    let fixture = Fixture::start().await;
    let mut client = RawClient::open(fixture.address).await;

    client.text(r#"420["echo",1]"#).await;

    assert_eq!(client.rest().await, [Frame::Closed(Some(1008))]);
    assert_eq!(fixture.handlers(), 0);
    assert_eq!(fixture.audit.outcomes(), [Decision::Closed(RefusalReason::ProtocolViolation)]);
}

/// Attack 34: an event between CONNECT and its answer.
#[tokio::test]
async fn an_event_during_authentication_closes_the_link() {
    let fixture = Fixture::start().await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(r#"40{"token":"slow:alice"}"#).await;
    fixture.seen.begun.notified().await;

    client.text(r#"420["echo",1]"#).await;

    assert_eq!(client.rest().await, [Frame::Closed(Some(1008))]);
    // The authenticator answers only now: its grant must not admit a closed link.
    fixture.seen.slow.notify_one();
    assert_eq!(fixture.handlers(), 0);
    assert_eq!(Seen::count(&fixture.seen.connects), 0);
    assert_eq!(fixture.audit.outcomes(), [Decision::Undecided(RefusalReason::ProtocolViolation)]);
}

/// Attack 34, with an authenticator that answers at once.
#[tokio::test]
async fn an_event_in_one_write_with_its_connect_closes_the_link() {
    let fixture = Fixture::start().await;
    let mut client = RawClient::open(fixture.address).await;

    client.texts([GOOD, r#"420["echo",1]"#]).await;

    assert_eq!(client.rest().await, [Frame::Closed(Some(1008))]);
    assert_eq!(fixture.handlers(), 0);
}

/// Attack 35: several CONNECTs to one namespace in one write.
#[tokio::test]
async fn five_connects_to_one_namespace_are_admitted_once() {
    let fixture = Fixture::start().await;
    let mut client = RawClient::open(fixture.address).await;

    client.texts([GOOD; 5]).await;

    client.json("40").await;
    client.text(r#"420["echo","once"]"#).await;
    assert_eq!(client.json("430").await, json!(["once"]));
    assert_eq!(fixture.authentications(), 1);
    assert_eq!(Seen::count(&fixture.seen.connects), 1);
    drop(client);
    fixture.seen.disconnected.notified().await;
    assert_eq!(Seen::count(&fixture.seen.disconnects), 1);
}

#[tokio::test]
async fn packets_after_a_refusal_are_ignored() {
    let fixture = Fixture::start().await;
    for after in [r#"420["echo",1]"#, GOOD] {
        let mut client = RawClient::open(fixture.address).await;
        client.text(r#"40{"token":"slow"}"#).await;
        fixture.seen.begun.notified().await;
        fixture.seen.slow.notify_one();
        client.json("44").await;

        client.text(after).await;

        assert_eq!(client.rest().await, [Frame::Text("1".into()), Frame::Closed(Some(1000))]);
    }
    assert_eq!((fixture.authentications(), fixture.handlers()), (2, 0));
}

/// Attack 36: guesses on a link that already has a socket.
#[tokio::test]
async fn a_connect_after_three_refusals_does_not_reach_the_authenticator() {
    let fixture = Fixture::start().await;
    let mut client = fixture.alice().await;

    for _ in 0..3 {
        client.text(r#"40/chat,{"token":"wrong"}"#).await;
        assert_eq!(client.json("44/chat,").await["data"]["code"], "unauthenticated");
    }
    client.text(r#"40/chat,{"token":"good:alice"}"#).await;

    let answer = client.json("44/chat,").await;
    assert_eq!(answer["data"]["code"], "too_many_attempts");
    assert_eq!(answer["data"]["retryAfter"], 5);
    // One call for alice and one for each wrong token. The valid token was not verified.
    assert_eq!(fixture.authentications(), 4);
    client.text(r#"420["echo","still here"]"#).await;
    assert_eq!(client.json("430").await, json!(["still here"]));
}

/// Attack 36: far beyond the limit the whole link ends, with its sockets and its pending admission, and
/// both ends are recorded.
#[tokio::test]
async fn a_client_that_keeps_sending_connects_loses_its_link() {
    let fixture = Fixture::with(|builder, _| builder.connections(PerUser::RefuseNew(1))).await;
    let mut client = fixture.alice().await;
    client.text(r#"40/chat,{"token":"slow:alice"}"#).await;
    fixture.seen.begun.notified().await;

    client.texts((0..40).map(|number| format!("40/nowhere/{number},"))).await;

    assert_eq!(client.rest().await.last(), Some(&Frame::Closed(Some(1000))));
    let outcomes = fixture.audit.outcomes();
    let ends = [
        Decision::Ended(DisconnectReason::ProtocolViolation),
        Decision::Undecided(RefusalReason::ProtocolViolation),
    ];
    assert_eq!(outcomes.iter().filter(|outcome| ends.contains(outcome)).count(), 2, "{outcomes:?}");
    // The seat is free even while the client keeps its side of the TCP connection open.
    assert_eq!((fixture.doorward.connections(), fixture.doorward.links()), (0, 1));
    fixture.alice().await;
    drop(client);
}

/// Attack 36, in one write and on a link without a socket.
#[tokio::test]
async fn an_unauthenticated_link_has_three_attempts() {
    let fixture = Fixture::start().await;
    let mut client = RawClient::open(fixture.address).await;

    let names = ["/", "/chat", "/a", "/b", "/c"];
    client.texts(names.map(|name| format!(r#"40{name},{{"token":"wrong"}}"#))).await;

    let seen = client.rest().await;
    let answers = seen.iter().filter(|seen| matches!(seen, Frame::Text(text) if text != "1"));
    // Two CONNECTs reach the authenticator, and the third names an unknown namespace. The fourth
    // closes the link with 1013 (try again later), after which a stock client reconnects.
    assert_eq!(answers.count(), 3);
    assert_eq!(seen.last(), Some(&Frame::Closed(Some(1013))));
    assert_eq!(fixture.authentications(), 2);
}

#[tokio::test]
async fn a_refusal_does_not_close_the_link_during_another_admission() {
    let fixture = Fixture::start().await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(r#"40/chat,{"token":"slow:alice"}"#).await;
    fixture.seen.begun.notified().await;

    client.text(r#"40{"token":"wrong"}"#).await;
    assert_eq!(client.json("44").await["data"]["code"], "unauthenticated");
    fixture.seen.slow.notify_one();

    client.json("40/chat,").await;
    client.text(r#"42/chat,0["whoami"]"#).await;
    assert_eq!(client.json("43/chat,0").await, json!(["alice"]));
    client.text("41/chat,").await;
    // The refusal closes the link once its last socket has left.
    assert_eq!(client.rest().await, [Frame::Text("1".into()), Frame::Closed(Some(1000))]);
}

#[tokio::test]
async fn a_client_that_leaves_during_admission_leaves_no_state() {
    let fixture = Fixture::start().await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(r#"40{"token":"slow:alice"}"#).await;
    fixture.seen.begun.notified().await;

    drop(client);

    let outcomes = fixture.audit.wait_for(1).await;
    assert_eq!(outcomes, [Decision::Undecided(RefusalReason::Abandoned)]);
    assert_eq!(fixture.doorward.connections(), 0);
    assert_eq!(Seen::count(&fixture.seen.connects), 0);
}

#[tokio::test]
async fn two_namespaces_of_a_link_have_two_public_ids() {
    let fixture = Fixture::start().await;
    let (mut client, link) = RawClient::open_with(fixture.address, b"").await;

    client.texts([GOOD, r#"40/chat,{"token":"good:alice"}"#]).await;
    let first = client.json("40").await;
    let second = client.json("40/chat,").await;

    assert_ne!(first["sid"], second["sid"]);
    assert_ne!(first["sid"], link["sid"]);
    assert_ne!(second["sid"], link["sid"]);
}

/// Attack 31: a link that never sends a CONNECT.
#[tokio::test]
async fn a_silent_link_is_closed_after_five_seconds() {
    let fixture = Fixture::start().await;
    let mut client = RawClient::open(fixture.address).await;

    fixture.clock.advance(Duration::from_secs(5));

    assert_eq!(client.rest().await, [Frame::Closed(Some(1008))]);
    assert_eq!(fixture.audit.outcomes(), [Decision::Closed(RefusalReason::ConnectTimeout)]);
}

#[tokio::test]
async fn a_link_whose_last_socket_has_left_is_unauthenticated_again() {
    let fixture = Fixture::start().await;
    let mut client = fixture.alice().await;
    client.text("41").await;
    fixture.seen.disconnected.notified().await;

    fixture.clock.advance(Duration::from_secs(5));

    assert_eq!(client.rest().await, [Frame::Closed(Some(1008))]);
}

/// The client reads the same answer each time; the audit record with the same id names the fault.
#[tokio::test]
async fn an_audit_record_names_the_claim_or_member_at_fault() {
    let (key, clock, audit) =
        (SigningKey::generate().unwrap(), ManualClock::new(), AuditLog::default());
    let doorward = Doorward::builder()
        .authenticate(Jwt::es256(&key.public_pem()).unwrap().bound_to("issuer", "chat"))
        .gateway(Gateway::at("/"))
        .clock(clock.clone())
        .audit(audit.clone())
        .build()
        .unwrap();
    let server = TestServer::start(doorward).await.unwrap();
    let key = Arc::new(KeyRing::new(key));
    let token = |audience: &str| {
        let issuer = Issuer::with_ring(Arc::clone(&key), "issuer", audience);
        issuer.issue("alice", Duration::from_secs(60), clock.wall(), "5zVS4TFyBWVk").unwrap()
    };

    for (auth, fault) in [
        (json!({}), "member auth.token: missing"),
        (json!({ "token": "not-a-token" }), "member auth.token: malformed"),
    ] {
        assert_eq!(server.expect_refused("/", auth).await.code(), "unauthenticated");
        assert_eq!(audit.last_fault().unwrap(), fault);
    }
    let other = json!({ "token": token("mail") });
    server.expect_refused("/", other.clone()).await;
    assert_eq!(audit.last_fault().unwrap(), "claim aud: mismatch");

    let mut client = server.connect("/", json!({ "token": token("chat") })).await;
    assert_eq!(audit.last_fault(), None);
    let answer: serde_json::Value = client.emit_with_ack("auth:refresh", other).await;
    assert_eq!(answer["code"], "unauthenticated");
    assert_eq!(audit.last_fault().unwrap(), "claim aud: mismatch");
}
