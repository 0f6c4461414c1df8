//! Namespaces that patterns open.

use doorward::{Revoke, audit::Decision, prelude::*, server::BuildError};
use doorward_testkit::{RawClient, Seen as Frame};
use serde_json::json;

use crate::fixture::{Fixture, User};

/// Gateway whose namespaces have a room and an event for all of their clients.
fn org() -> Gateway<User> {
    Gateway::at("/org/{org}")
        .room("team:{id}", |_| async { true })
        .on("org", |hub: Hub<User>| async move { hub.param("org").to_owned() })
        .on("enter", |me: Socket<User>| async move { me.join("team:1").await })
        .on("say", |hub: Hub<User>, Payload(text): Payload<String>| async move {
            hub.to("team:1").emit("said", text).map(|_| ())
        })
}

async fn connect(fixture: &Fixture, namespace: &str, token: &str) -> RawClient {
    let mut client = RawClient::open(fixture.address).await;
    client.text(&format!(r#"40{namespace},{{"token":"{token}"}}"#)).await;
    client
}

async fn admitted(fixture: &Fixture, namespace: &str) -> RawClient {
    let mut client = connect(fixture, namespace, "good:alice").await;
    let answer = client.json(&format!("40{namespace},")).await;
    assert!(answer["sid"].is_string(), "{answer}");
    client
}

#[tokio::test]
async fn each_namespace_of_a_pattern_has_its_own_clients_and_rooms() {
    let fixture = Fixture::with(|builder, _| builder.gateway(org())).await;
    let mut seven = [admitted(&fixture, "/org/7").await, admitted(&fixture, "/org/7").await];
    let mut eight = admitted(&fixture, "/org/8").await;

    for client in &mut seven {
        client.text(r#"42/org/7,1["org"]"#).await;
        assert_eq!(client.json("43/org/7,1").await, json!(["7"]));
        client.text(r#"42/org/7,2["enter"]"#).await;
        client.json("43/org/7,2").await;
    }
    eight.text(r#"42/org/8,2["enter"]"#).await;
    eight.json("43/org/8,2").await;
    seven[0].text(r#"42/org/7,["say","hello"]"#).await;
    for client in &mut seven {
        assert_eq!(client.json("42/org/7,").await, json!(["said", "hello"]));
    }

    // The other namespace has heard nothing before this.
    eight.text(r#"42/org/8,3["org"]"#).await;
    assert_eq!(eight.json("43/org/8,3").await, json!(["8"]));
    let hub = fixture.doorward.hub::<User>("/org/7").unwrap();
    assert_eq!((hub.namespace(), hub.param("org"), hub.rooms_in_use()), ("/org/7", "7", 1));
    assert_eq!(hub.emit("all", ()).unwrap().local, 2);
}

/// Otherwise strangers could open namespaces, or keep others from opening them.
#[tokio::test]
async fn only_an_admitted_client_uses_up_a_place_and_gives_it_back() {
    let fixture = Fixture::with(|builder, _| {
        builder.gateway(org()).limits(|limits| limits.max_opened_namespaces = 2)
    })
    .await;
    for number in 0..5 {
        let name = format!("/org/s{number}");
        let mut stranger = connect(&fixture, &name, "bad").await;
        let refused = stranger.json(&format!("44{name},")).await;
        assert_eq!(refused["data"]["code"], json!("unauthenticated"));
    }
    // The names are input of the strangers, and are not recorded.
    let records = fixture.audit.records();
    assert!(records.iter().all(|record| record.namespace.as_deref() == Some("/org/{org}")));
    let one = admitted(&fixture, "/org/1").await;
    let _two = [admitted(&fixture, "/org/2").await, admitted(&fixture, "/org/2").await];

    // A third one would be too many. The client tries again by itself, and a link that has another
    // socket stays.
    let mut third = connect(&fixture, "/org/3", "good:alice").await;
    assert_eq!(third.rest().await, [Frame::Closed(Some(1013))]);
    let mut both = admitted(&fixture, "/chat").await;
    both.text(r#"40/org/3,{"token":"good:alice"}"#).await;
    let refused = both.json("44/org/3,").await;
    assert_eq!(refused["data"]["code"], json!("too_many_attempts"));
    drop(both);

    drop(one);
    while fixture.doorward.connections() > 2 {
        tokio::task::yield_now().await;
    }
    admitted(&fixture, "/org/3").await;
}

#[tokio::test]
async fn a_name_that_no_pattern_matches_is_refused_and_not_recorded() {
    let main = Gateway::<User>::at("/org/main").on("org", || async { "main" });
    let ambiguous = [
        Gateway::<User>::at("/a/{x}-{y}"),
        Gateway::at("/b/{x}"),
        Gateway::at("/b/1{y}"),
        Gateway::at("/a/{z}"),
    ];
    let fixture = Fixture::with(|builder, _| {
        let builder = builder.gateway(org()).gateway(main);
        ambiguous.into_iter().fold(builder, |builder, gateway| builder.gateway(gateway))
    })
    .await;
    for name in ["/org/", "/org/7/8", "/org/7:8", "/org", "/Org/7", "/a/1-2-3", "/a/1-2", "/b/12"] {
        let mut client = connect(&fixture, name, "good:alice").await;
        let refused = client.json(&format!("44{name},")).await;
        assert_eq!(refused, json!({ "message": "Invalid namespace" }), "{name}");
    }
    admitted(&fixture, "/a/1").await;
    admitted(&fixture, "/b/2").await;

    // The name that is mounted comes first.
    let mut client = admitted(&fixture, "/org/main").await;
    client.text(r#"42/org/main,1["org"]"#).await;
    assert_eq!(client.json("43/org/main,1").await, json!(["main"]));
    let outcomes = fixture.audit.wait_for(11).await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Decision::Admitted).count(), 3);
}

#[tokio::test]
async fn a_revocation_ends_sockets_in_namespaces_of_a_pattern() {
    let fixture = Fixture::with(|builder, _| builder.gateway(org())).await;
    let mut client = admitted(&fixture, "/org/7").await;

    fixture.doorward.principals().revoke(Revoke::User("alice".into())).await.unwrap();

    assert_eq!(client.json("42/org/7,").await[0], json!("session_ended"));
}

#[test]
fn a_pattern_that_cannot_be_served_does_not_build() {
    let build = |gateway: Gateway<Anonymous>| Doorward::builder().public(gateway).build();
    for pattern in ["/org/{}", "/org/{a}{b}", "/org/{a", "/org/a}", "org/{a}"] {
        let error = build(Gateway::at(pattern)).unwrap_err();
        assert!(matches!(error, BuildError::Namespace { .. }), "{pattern}: {error}");
    }
    let hook =
        Gateway::at("/org/{org}").on_init(|_: Hub<Anonymous>| async { Ok::<_, BoxError>(()) });
    let error = build(hook).unwrap_err();
    assert!(error.to_string().contains("on_init cannot run"), "{error}");
}
