//! Events and their acks. Every event with an ack id is answered exactly once.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use doorward::{Exception, prelude::*};
use doorward_testkit::RawClient;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::fixture::{Fixture, Seen, User};

/// Starts a server with one more gateway at `/t`, and connects a client to it.
async fn with(gateway: Gateway<User>) -> (Fixture, RawClient) {
    let fixture = Fixture::with(|builder, _| builder.gateway(gateway)).await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(r#"40/t,{"token":"good:alice"}"#).await;
    client.json("40/t,").await;
    (fixture, client)
}

/// Sends an event with an ack id and returns the answer.
async fn ask(client: &mut RawClient, event: &str) -> Value {
    client.text(&format!("42/t,5{event}")).await;
    client.json("43/t,5").await[0].take()
}

/// Asserts that the server sends nothing: the answer to one more event is the next packet.
async fn nothing_more(client: &mut RawClient) {
    client.text(r#"42/t,99["unknown"]"#).await;
    let answer = client.json("43/t,99").await;
    assert_eq!(answer[0]["code"], "unknown_event");
}

#[tokio::test]
async fn a_returned_value_is_the_answer() {
    let (_fixture, mut client) = with(
        Gateway::at("/t")
            .on("text", || async { "hello" })
            .on("unit", || async {})
            .on("none", || async { None::<u8> })
            .on("ok", || async { Ok::<_, Exception>(7) }),
    )
    .await;

    assert_eq!(ask(&mut client, r#"["text"]"#).await, "hello");
    assert_eq!(ask(&mut client, r#"["unit"]"#).await, Value::Null);
    assert_eq!(ask(&mut client, r#"["none"]"#).await, Value::Null);
    assert_eq!(ask(&mut client, r#"["ok"]"#).await, 7);
    nothing_more(&mut client).await;
}

#[tokio::test]
async fn an_error_is_answered_with_its_code() {
    let failing = || async { Err::<(), _>(Exception::new("not_covered", "There is no money")) };
    let (_fixture, mut client) = with(Gateway::at("/t").on("pay", failing)).await;

    let mut answer = ask(&mut client, r#"["pay"]"#).await;

    let id = answer.as_object_mut().unwrap().remove("id").unwrap();
    assert_eq!(id.as_str().unwrap().len(), 12);
    assert_eq!(
        answer,
        json!({ "status": "error", "code": "not_covered", "message": "There is no money" })
    );
    nothing_more(&mut client).await;
}

#[tokio::test]
async fn any_name_without_a_handler_is_an_unknown_event() {
    let (_fixture, mut client) =
        with(Gateway::at("/t").on("7", |Payload(n): Payload<u8>| async move { n })).await;
    let long = "n".repeat(129);

    // Socket.IO allows numbers as event names. A name may have 128 bytes.
    for name in [r#""""#, r#""__proto__""#, r#""error""#, "8", "-1.5", "1e3", &format!("{long:?}")]
    {
        let answer = ask(&mut client, &format!("[{name},1]")).await;
        assert_eq!(answer["code"], "unknown_event", "{name}");
    }
    assert_eq!(ask(&mut client, "[7,1]").await, 1);
    assert_eq!(ask(&mut client, r#"["7",2]"#).await, 2);
}

#[tokio::test]
async fn an_event_name_that_is_too_long_is_not_echoed() {
    let (_fixture, mut client) = with(Gateway::at("/t").on("fine", || async { 1 })).await;
    let long = "n".repeat(129);

    client.text(&format!("42/t,[{long:?},{long:?}]")).await;

    let seen = client.json("42/t,").await;
    assert_eq!((&seen[1]["event"], &seen[1]["code"]), (&json!(""), &json!("unknown_event")));
    nothing_more(&mut client).await;
}

#[tokio::test]
async fn an_error_without_an_ack_is_an_exception_event() {
    let failing = || async { Err::<(), _>(Exception::new("not_covered", "There is no money")) };
    let (_fixture, mut client) =
        with(Gateway::at("/t").on("pay", failing).on("fine", || async { 1 })).await;

    client.texts([r#"42/t,["fine"]"#, r#"42/t,["pay"]"#, r#"42/t,["unknown"]"#]).await;

    for (event, code) in [("pay", "not_covered"), ("unknown", "unknown_event")] {
        let seen = client.json("42/t,").await;
        assert_eq!(seen[0], "exception");
        assert_eq!((&seen[1]["event"], &seen[1]["code"]), (&json!(event), &json!(code)));
    }
    nothing_more(&mut client).await;
}

#[tokio::test]
async fn an_invalid_payload_is_explained_and_the_handler_does_not_run() {
    let ran = Arc::new(Seen::default());
    let counted = Arc::clone(&ran);
    let (_fixture, mut client) =
        with(Gateway::at("/t").on("add", move |Payload((a, b)): Payload<(u8, u8)>| {
            counted.handlers.fetch_add(1, Ordering::SeqCst);
            async move { u16::from(a) + u16::from(b) }
        }))
        .await;

    let answer = ask(&mut client, r#"["add",["canary",1]]"#).await;

    assert_eq!(answer["code"], "bad_payload");
    assert_eq!(answer["details"], json!([{ "path": "[0]", "message": "expected u8" }]));
    // The details name the place and the type, never the value.
    assert!(!answer.to_string().contains("canary"));
    assert_eq!(Seen::count(&ran.handlers), 0);
    assert_eq!(ask(&mut client, r#"["add",[1,2]]"#).await, 3);
    nothing_more(&mut client).await;
}

fn panic_now() {
    panic!("canary");
}

#[tokio::test]
async fn a_panic_is_answered_and_the_link_stays_open() {
    let (_fixture, mut client) = with(
        Gateway::at("/t")
            .on("at_once", || async { panic_now() })
            .on("later", || async {
                tokio::task::yield_now().await;
                panic_now();
            })
            // Panics before it returns a future.
            .on("building", |_: Payload<Value>| -> std::future::Ready<()> { panic!("canary") })
            .on("fine", || async { 1 }),
    )
    .await;

    for event in [r#"["at_once"]"#, r#"["later"]"#, r#"["building"]"#] {
        let answer = ask(&mut client, event).await;
        assert_eq!(answer["code"], "internal", "{event}");
        assert!(!answer.to_string().contains("canary"));
    }
    assert_eq!(ask(&mut client, r#"["fine"]"#).await, 1);
    nothing_more(&mut client).await;
}

#[tokio::test]
async fn an_answer_that_cannot_be_serialized_is_an_internal_error() {
    // JSON has no maps with arrays as keys.
    let map = || async { std::collections::HashMap::from([(vec![1_u8], 1)]) };
    let (_fixture, mut client) = with(Gateway::at("/t").on("map", map)).await;

    assert_eq!(ask(&mut client, r#"["map"]"#).await["code"], "internal");
    nothing_more(&mut client).await;
}

#[tokio::test]
async fn a_handler_that_times_out_is_answered_and_dropped() {
    let dropped = Arc::new(Notify::new());
    let begun = Arc::new(Notify::new());
    struct OnDrop(Arc<Notify>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let (tell_begun, tell_dropped) = (Arc::clone(&begun), Arc::clone(&dropped));
    let (fixture, mut client) = with(Gateway::at("/t").on("hang", move || {
        let (begun, guard) = (Arc::clone(&tell_begun), OnDrop(Arc::clone(&tell_dropped)));
        async move {
            let _guard = guard;
            begun.notify_one();
            std::future::pending::<()>().await;
        }
    }))
    .await;
    client.text(r#"42/t,5["hang"]"#).await;
    begun.notified().await;

    fixture.clock.advance(Duration::from_secs(30));

    dropped.notified().await;
    assert_eq!(client.json("43/t,5").await[0]["code"], "timeout");
    // A ping is due as well.
    assert_eq!(client.packet().await.as_deref(), Some("2"));
    nothing_more(&mut client).await;
}

#[tokio::test]
async fn a_running_handler_may_finish_after_its_socket_has_ended() {
    let (begun, go, done) =
        (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));
    let gates = (Arc::clone(&begun), Arc::clone(&go), Arc::clone(&done));
    let (_fixture, mut client) =
        with(Gateway::at("/t").on("work", move |connection: Socket<User>| {
            let (begun, go, done) = gates.clone();
            async move {
                begun.notify_one();
                connection.closed().await;
                go.notified().await;
                assert!(connection.emit("late", 1).is_err());
                done.notify_one();
            }
        }))
        .await;
    client.text(r#"42/t,5["work"]"#).await;
    begun.notified().await;

    drop(client);
    go.notify_one();

    done.notified().await;
}

/// A client that waits for the ack must not miss the events that belong to it.
#[tokio::test]
async fn events_that_a_handler_emits_arrive_before_its_answer() {
    let (_fixture, mut client) =
        with(Gateway::at("/t").on("tell", |connection: Socket<User>| async move {
            connection.emit("first", 1)?;
            connection.emit("second", 2)?;
            Ok::<_, Exception>("third")
        }))
        .await;

    client.text(r#"42/t,5["tell"]"#).await;

    assert_eq!(client.packet().await.unwrap(), r#"42/t,["first",1]"#);
    assert_eq!(client.packet().await.unwrap(), r#"42/t,["second",2]"#);
    assert_eq!(client.packet().await.unwrap(), r#"43/t,5["third"]"#);
}

#[tokio::test]
async fn each_socket_has_its_own_data() {
    #[derive(Default)]
    struct Visits(std::sync::atomic::AtomicU32);
    let count =
        |visits: SocketData<Visits>| async move { visits.0.fetch_add(1, Ordering::SeqCst) + 1 };
    let (fixture, mut client) = with(Gateway::at("/t").on("visit", count)).await;
    let mut other = RawClient::open(fixture.address).await;
    other.text(r#"40/t,{"token":"good:bob"}"#).await;
    other.json("40/t,").await;

    assert_eq!(ask(&mut client, r#"["visit"]"#).await, 1);
    assert_eq!(ask(&mut client, r#"["visit"]"#).await, 2);
    assert_eq!(ask(&mut other, r#"["visit"]"#).await, 1);
}

/// Attack 40: acks to ids that were never sent.
#[tokio::test]
async fn unexpected_acks_are_ignored() {
    let (_fixture, mut client) = with(Gateway::at("/t").on("fine", || async { 1 })).await;

    client.texts((0..10_000).map(|id| format!("43/t,{id}[1]"))).await;
    client.text("43/t,9223372036854775808[]").await;

    assert_eq!(ask(&mut client, r#"["fine"]"#).await, 1);
}
