//! What waits for a client that may not have it any more is not sent.

use std::time::Duration;

use doorward::{Limits, Revoke, prelude::*};
use doorward_testkit::{RawClient, Seen as Frame};

use crate::fixture::{Fixture, GOOD, User};

/// A server that sends far more than a socket buffer holds to whoever says `flood`.
async fn flooding() -> Fixture {
    let limits = Limits { outbox: 64 * 1024 * 1024, ..Limits::default() };
    Fixture::with(|builder, _| {
        builder.limits(limits).gateway(Gateway::at("/flood").on(
            "flood",
            |me: Connection<User>, Payload(count): Payload<usize>| async move {
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

/// A client that has been told so much that most of it still waits in the server.
async fn drowned(fixture: &Fixture) -> RawClient {
    let mut client = RawClient::open(fixture.address).await;
    client.text(r#"40/flood,{"token":"short:alice"}"#).await;
    client.json("40/flood,").await;
    client.text(r#"42/flood,["flood",1000]"#).await;
    // The first of it is here, so all of it was queued.
    client.next().await;
    client
}

/// Counts what reaches the client, and says whether it was told why it ended.
async fn rest(client: &mut RawClient) -> (usize, bool) {
    let rest = client.rest().await;
    let is = |seen: &Frame, part: &str| matches!(seen, Frame::Text(text) if text.contains(part));
    let secrets = rest.iter().filter(|seen| is(seen, "\"secret\"")).count();
    (secrets, rest.iter().any(|seen| is(seen, "session_ended")))
}

/// Promise 3: 32 MB wait, and what the kernel holds already is all that arrives.
#[tokio::test]
async fn a_revoked_client_gets_nothing_of_what_was_queued() {
    let fixture = flooding().await;
    let mut client = drowned(&fixture).await;

    fixture.doorward.principals().revoke(Revoke::User("alice".into())).await.unwrap();

    let (secrets, _) = rest(&mut client).await;
    assert!(secrets < 900, "{secrets} of 1000 arrived");
}

#[tokio::test]
async fn an_expired_client_gets_nothing_of_what_was_queued() {
    let fixture = flooding().await;
    let mut client = drowned(&fixture).await;

    fixture.clock.advance(Duration::from_secs(60));

    let (secrets, _) = rest(&mut client).await;
    assert!(secrets < 900, "{secrets} of 1000 arrived");
}

/// The other socket of the link has done nothing wrong, and keeps what waits for it.
#[tokio::test]
async fn another_socket_of_the_link_keeps_what_was_queued_for_it() {
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
        .connections()
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

/// A socket of the same client that the application has ended before leaves nothing behind either.
#[tokio::test]
async fn what_an_ended_socket_has_left_behind_is_not_sent_after_a_revocation() {
    let fixture = flooding().await;
    let mut client = RawClient::open(fixture.address).await;
    client.text(GOOD).await;
    client.json("40").await;
    client.text(r#"40/flood,{"token":"good:alice"}"#).await;
    client.json("40/flood,").await;
    client.text(r#"42/flood,["flood",1000]"#).await;
    client.next().await;
    let hub = fixture.doorward.hub::<User>("/flood").unwrap();
    hub.all().disconnect_sockets();

    fixture.doorward.principals().revoke(Revoke::User("alice".into())).await.unwrap();

    let (secrets, _) = rest(&mut client).await;
    assert!(secrets < 900, "{secrets} of 1000 arrived");
}
