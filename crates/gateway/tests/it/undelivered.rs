//! Queued events are dropped when their client is revoked or expires.

use std::time::Duration;

use doorward::{Limits, Revoke, audit::Decision, prelude::*};
use doorward_testkit::{RawClient, Seen as Frame};

use crate::fixture::{Fixture, GOOD, User};

/// Starts a server that answers `flood` with far more events than a socket buffer holds.
async fn flooding() -> Fixture {
    let limits = |limits: &mut Limits| limits.outbox = 64 * 1024 * 1024;
    Fixture::with(|builder, _| {
        builder.limits(limits).gateway(Gateway::at("/flood").on(
            "flood",
            |me: Socket<User>, Payload(count): Payload<usize>| async move {
                let secret = "s".repeat(32 * 1024);
                for _ in 0..count {
                    me.emit("secret", &secret)?;
                }
                Ok::<_, EmitError>(())
            },
        ))
    })
    .await
}

/// Connects a client and queues so many events for it that most still wait in the server.
async fn client_with_queued_events(fixture: &Fixture) -> RawClient {
    let mut client = RawClient::open(fixture.address).await;
    client.text(r#"40/flood,{"token":"short:alice"}"#).await;
    client.json("40/flood,").await;
    client.text(r#"42/flood,["flood",1000]"#).await;
    // The handler queues all events before the link writes, so the first shows that all are queued.
    client.next().await;
    client
}

/// Counts the events that reach the client, and returns whether it read `session_ended`.
async fn rest(client: &mut RawClient) -> (usize, bool) {
    let rest = client.rest().await;
    let is = |seen: &Frame, part: &str| matches!(seen, Frame::Text(text) if text.contains(part));
    let secrets = rest.iter().filter(|seen| is(seen, "\"secret\"")).count();
    (secrets, rest.iter().any(|seen| is(seen, "session_ended")))
}

/// 32 MB are queued; only what the kernel has already taken may arrive.
#[tokio::test]
async fn queued_events_are_not_sent_to_a_revoked_client() {
    let fixture = flooding().await;
    let mut client = client_with_queued_events(&fixture).await;

    fixture.doorward.principals().revoke(Revoke::User("alice".into())).await.unwrap();

    let (secrets, _) = rest(&mut client).await;
    assert!(secrets < 900, "{secrets} of 1000 arrived");
}

#[tokio::test]
async fn queued_events_are_not_sent_to_an_expired_client() {
    let fixture = flooding().await;
    let mut client = client_with_queued_events(&fixture).await;

    fixture.clock.advance(Duration::from_secs(60));

    let (secrets, _) = rest(&mut client).await;
    assert!(secrets < 900, "{secrets} of 1000 arrived");
}

/// The client begins to read in the moment in which its link ends because it did not read.
#[tokio::test]
async fn queued_events_are_not_sent_to_a_client_that_reads_too_late() {
    let fixture = flooding().await;
    let mut client = client_with_queued_events(&fixture).await;

    let received = client.drain();
    // The runtime learns that the link can write, and then Limits::write_stall has passed.
    tokio::task::yield_now().await;
    fixture.clock.advance(Duration::from_secs(10));

    let outcomes = fixture.audit.wait_for(2).await;
    assert_eq!(outcomes[1], Decision::Ended(DisconnectReason::SlowConsumer));
    let late = client.drain();
    assert!(received > 1_000_000 && late < 100_000, "{late} bytes after {received}");
}

/// The revocation ends one socket; events of the other one on the same link are not affected.
#[tokio::test]
async fn queued_events_of_another_socket_of_the_link_are_still_sent() {
    let fixture = flooding().await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(GOOD).await;
    let mine = client.json("40").await;
    client.text(r#"40/flood,{"token":"good:alice"}"#).await;
    client.json("40/flood,").await;
    let hub = fixture.doorward.hub::<User>("/flood").unwrap();
    let socket = fixture
        .doorward
        .principals()
        .sockets()
        .await
        .value
        .into_iter()
        .find(|connection| &*connection.namespace == "/")
        .unwrap()
        .socket;
    assert_eq!(mine["sid"], socket.to_string());
    hub.emit("kept", 1).unwrap();

    fixture.doorward.principals().revoke(Revoke::Socket(socket)).await.unwrap();

    assert_eq!(client.json("42/flood,").await, serde_json::json!(["kept", 1]));
    assert_eq!(client.json("42").await[1]["code"], "revoked");
    assert_eq!(client.next().await, Frame::Text("41".into()));
    client.text(r#"42/flood,["flood",1]"#).await;
    assert_eq!(client.json("42/flood,").await[0], "secret");
}

/// The application has ended the socket before the revocation, and its events still wait.
#[tokio::test]
async fn queued_events_of_an_ended_socket_are_not_sent_after_a_revocation() {
    let fixture = flooding().await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(GOOD).await;
    client.json("40").await;
    client.text(r#"40/flood,{"token":"good:alice"}"#).await;
    client.json("40/flood,").await;
    client.text(r#"42/flood,["flood",1000]"#).await;
    client.next().await;
    let hub = fixture.doorward.hub::<User>("/flood").unwrap();
    hub.all().disconnect_sockets().await;

    fixture.doorward.principals().revoke(Revoke::User("alice".into())).await.unwrap();

    let (secrets, _) = rest(&mut client).await;
    assert!(secrets < 900, "{secrets} of 1000 arrived");
}
