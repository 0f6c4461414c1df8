//! Ends of sockets and links.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use doorward::{audit::Decision, prelude::*, server::Clock as _};
use doorward_testkit::{RawClient, Seen as Frame};
use serde_json::json;
use tokio::sync::Notify;

use crate::{
    counts::Counts,
    fixture::{Fixture, Seen, User, tight},
};

#[tokio::test]
async fn an_expired_socket_ends_and_may_reconnect() {
    let fixture = Fixture::start().await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(r#"40{"token":"short:alice"}"#).await;
    client.json("40").await;

    fixture.clock.advance(Duration::from_secs(60));

    let ended = client.json("42").await;
    assert_eq!(ended[0], "session_ended");
    assert_eq!(ended[1]["code"], "expired");
    assert_eq!(ended[1]["retry"], "after_refresh");
    // No DISCONNECT: a stock client reconnects and calls its `auth` function for a new credential.
    assert_eq!(client.rest().await, [Frame::Closed(Some(1001))]);
    assert_eq!(
        fixture.audit.outcomes(),
        [Decision::Admitted, Decision::Ended(DisconnectReason::Expired)]
    );
}

#[tokio::test]
async fn no_event_is_started_after_the_credential_has_expired() {
    let fixture = Fixture::start().await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(r#"40{"token":"short:alice"}"#).await;
    client.json("40").await;

    // A wall clock that is set back must not prolong the credential.
    fixture.clock.set_wall(std::time::SystemTime::UNIX_EPOCH);
    fixture.clock.advance(Duration::from_secs(60));
    client.text(r#"420["echo",1]"#).await;

    let seen = client.rest().await;
    assert!(!seen.contains(&Frame::Text("430[1]".into())), "{seen:?}");
    assert_eq!(fixture.handlers(), 0);
}

#[tokio::test]
async fn an_expiring_socket_does_not_end_the_other_sockets_of_its_link() {
    let fixture = Fixture::start().await;
    let mut client = fixture.alice().await;
    client.text(r#"40/chat,{"token":"short:alice"}"#).await;
    client.json("40/chat,").await;

    fixture.clock.advance(Duration::from_secs(60));

    assert_eq!(client.json("42/chat,").await[0], "session_ended");
    assert_eq!(client.packet().await.as_deref(), Some("41/chat,"));
    // A ping is due as well.
    assert_eq!(client.packet().await.as_deref(), Some("2"));
    client.texts(["3", r#"420["echo","here"]"#]).await;
    assert_eq!(client.json("430").await, json!(["here"]));
}

#[tokio::test]
async fn an_application_may_end_a_socket_for_good() {
    let leave = Gateway::at("/leave").on("leave", |connection: Socket<User>| async move {
        connection.disconnect();
    });
    let fixture = Fixture::with(|builder, _| builder.gateway(leave)).await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(r#"40/leave,{"token":"good:alice"}"#).await;
    client.json("40/leave,").await;

    client.text(r#"42/leave,0["leave"]"#).await;

    // After a DISCONNECT (`41`) a stock client does not reconnect.
    assert_eq!(
        client.rest().await,
        [Frame::Text("41/leave,".into()), Frame::Text("1".into()), Frame::Closed(Some(1000))]
    );
}

#[tokio::test]
async fn a_client_that_closes_its_link_is_answered() {
    let fixture = Fixture::start().await;

    // Closed by the Engine.IO packet `1`, and by a WebSocket close frame.
    let mut engine = fixture.alice().await;
    engine.text("1").await;
    assert_eq!(engine.rest().await, [Frame::Closed(Some(1000))]);

    let mut websocket = fixture.alice().await;
    let close = RawClient::frame(doorward_protocol::ws::Opcode::Close, &1000_u16.to_be_bytes());
    websocket.bytes(&close).await;
    assert_eq!(websocket.rest().await, [Frame::Closed(Some(1000))]);

    let outcomes = fixture.audit.wait_for(4).await;
    assert_eq!(outcomes[1], Decision::Ended(DisconnectReason::ClientLeft));
    assert_eq!(outcomes[3], Decision::Ended(DisconnectReason::ClientLeft));
}

#[tokio::test]
async fn a_transport_that_ends_without_a_close_frame_ends_the_socket() {
    let fixture = Fixture::start().await;
    let client = fixture.alice().await;

    drop(client);

    fixture.seen.disconnected.notified().await;
    let outcomes = fixture.audit.wait_for(2).await;
    assert_eq!(outcomes[1], Decision::Ended(DisconnectReason::TransportClosed));
    assert_eq!(fixture.doorward.connections(), 0);
}

/// A client that stops reading and keeps its connection open would otherwise occupy its seat forever.
#[tokio::test]
async fn a_client_that_never_reads_loses_its_link() {
    let fixture = Fixture::with(|builder, _| builder.limits(tight)).await;
    let mut client = fixture.alice().await;
    let event = format!(r#"420["echo","{}"]"#, "x".repeat(8_000));
    let frame = RawClient::frame(doorward_protocol::ws::Opcode::Text, event.as_bytes());

    // The server stops reading while it cannot write, so the client's writes block too.
    let flood = tokio::spawn(async move {
        client.flood(&frame).await;
        client
    });
    let clock = fixture.clock.clone();
    let ticking = tokio::spawn(async move {
        loop {
            clock.advance(Duration::from_millis(500));
            tokio::task::yield_now().await;
        }
    });

    let outcomes = fixture.audit.wait_for(2).await;
    ticking.abort();
    assert_eq!(outcomes[1], Decision::Ended(DisconnectReason::SlowConsumer));
    fixture.seen.disconnected.notified().await;
    assert_eq!(Seen::count(&fixture.seen.disconnects), 1);
    assert_eq!(fixture.doorward.connections(), 0);
    drop(flood.await.unwrap());
}

#[tokio::test]
async fn a_client_that_never_reads_what_the_server_pushes_loses_its_link() {
    let push = Gateway::at("/push").on("push", |connection: Socket<User>| async move {
        let line = "x".repeat(60_000);
        while connection.emit("line", &line).is_ok() {
            tokio::task::yield_now().await;
        }
    });
    let fixture = Fixture::with(|builder, _| builder.gateway(push)).await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(r#"40/push,{"token":"good:alice"}"#).await;
    client.json("40/push,").await;

    client.text(r#"42/push,["push"]"#).await;

    let outcomes = fixture.audit.wait_for(2).await;
    assert_eq!(outcomes[1], Decision::Ended(DisconnectReason::SlowConsumer));
    assert_eq!(fixture.doorward.connections(), 0);
}

/// Attack 29: while a machine sleeps the wall clock moves on and the monotonic clock does not.
#[tokio::test]
async fn a_wall_clock_set_forward_expires_a_credential() {
    let fixture = Fixture::start().await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(r#"40{"token":"short:alice"}"#).await;
    client.json("40").await;

    fixture.clock.set_wall(fixture.clock.wall() + Duration::from_secs(3600));
    client.text(r#"420["echo",1]"#).await;

    assert_eq!(client.json("42").await[1]["code"], "expired");
    assert_eq!(client.rest().await, [Frame::Closed(Some(1001))]);
    assert_eq!(fixture.handlers(), 0);
}

#[tokio::test]
async fn a_socket_that_is_disconnected_while_it_enters_ends() {
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let gates = (Arc::clone(&begun), Arc::clone(&go));
    let kicked = Gateway::at("/t").on_connect(move |connection: Socket<User>| {
        let (begun, go) = gates.clone();
        async move {
            connection.disconnect();
            begun.notify_one();
            go.notified().await;
            Ok(())
        }
    });
    let fixture = Fixture::with(|builder, _| builder.gateway(kicked)).await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(r#"40/t,{"token":"good:alice"}"#).await;
    begun.notified().await;
    go.notify_one();

    client.json("40/t,").await;

    assert_eq!(client.packet().await.as_deref(), Some("41/t,"));
    assert_eq!(client.rest().await, [Frame::Text("1".into()), Frame::Closed(Some(1000))]);
    assert_eq!(fixture.doorward.connections(), 0);
}

#[tokio::test]
async fn the_end_of_one_socket_does_not_end_a_pending_connect() {
    let bye = Gateway::at("/bye").on("bye", |connection: Socket<User>| async move {
        connection.disconnect();
    });
    let fixture = Fixture::with(|builder, _| builder.gateway(bye)).await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(r#"40/bye,{"token":"good:alice"}"#).await;
    client.json("40/bye,").await;

    client.texts([r#"40/chat,{"token":"good:alice"}"#, r#"42/bye,["bye"]"#]).await;

    assert_eq!(client.packet().await.as_deref(), Some("41/bye,"));
    client.json("40/chat,").await;
    client.text(r#"42/chat,0["whoami"]"#).await;
    assert_eq!(client.json("43/chat,0").await, json!(["alice"]));
}

/// The server does not read while the inbox is full, and still notices that the client has disconnected.
#[tokio::test]
async fn a_client_that_leaves_a_full_inbox_behind_is_disconnected() {
    let begun = Arc::new(Notify::new());
    let gate = Arc::clone(&begun);
    let hang = Gateway::at("/t").on("hang", move || {
        gate.notify_one();
        std::future::pending::<()>()
    });
    let fixture = Fixture::with(|builder, _| builder.gateway(hang).limits(tight)).await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(r#"40/t,{"token":"good:alice"}"#).await;
    client.json("40/t,").await;
    client.texts([r#"42/t,["hang"]"#; 100]).await;
    begun.notified().await;

    drop(client);
    let clock = fixture.clock.clone();
    let ticking = tokio::spawn(async move {
        loop {
            clock.advance(Duration::from_millis(10));
            tokio::task::yield_now().await;
        }
    });

    let outcomes = fixture.audit.wait_for(2).await;
    ticking.abort();
    assert_eq!(outcomes[1], Decision::Ended(DisconnectReason::TransportClosed));
    assert_eq!(fixture.doorward.connections(), 0);
}

#[tokio::test]
async fn reconnecting_does_not_accumulate_running_handlers() {
    let counts = Counts::default();
    let _counting = metrics::set_default_local_recorder(&counts);
    let running = Arc::new(AtomicUsize::new(0));
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let counter = Arc::clone(&running);
    let hang = Gateway::at("/t").on("hang", move || {
        counter.fetch_add(1, Ordering::SeqCst);
        let counted = Counted(Arc::clone(&counter));
        async move {
            let _counted = counted;
            std::future::pending::<()>().await;
        }
    });
    let fixture = Fixture::with(|builder, _| builder.gateway(hang)).await;
    let mut client = RawClient::open(fixture.address).await;

    for _ in 0..100 {
        client.text(r#"40/t,{"token":"good:alice"}"#).await;
        client.json("40/t,").await;
        client.texts([r#"42/t,["hang"]"#, "41/t,"]).await;
    }
    client.text(r#"40/t,{"token":"good:alice"}"#).await;
    client.json("40/t,").await;

    // By default of `afterwards`, 8 handlers of one link may continue after their socket has ended.
    assert!(running.load(Ordering::SeqCst) <= 8, "{running:?}");
    assert_eq!(counts.of("doorward_limits_hit_total afterwards"), 92);
}
