//! Who asks too often is not even looked at.

use std::time::Duration;

use doorward::{Decision, Limits, RefusalReason, test::TestEnd};
use doorward_testkit::RawClient;
use serde_json::{Value, json};

use crate::{
    fixture::{Fixture, Seen},
    lasting::{Lasting, echo},
};

/// Before any cryptography: the authenticator is not asked.
#[tokio::test]
async fn an_address_that_was_refused_too_often_is_turned_away_unlooked_at() {
    let limits = Limits { max_address_refusals: 3, ..Limits::default() };
    let fixture = Fixture::with(|builder, _| builder.limits(limits)).await;
    let refused = async |token: &str| {
        let mut client = RawClient::open(fixture.address).await;
        client.text(&format!(r#"40{{"token":"{token}"}}"#)).await;
        client.json("44").await["data"].clone()
    };
    for _ in 0..3 {
        assert_eq!(refused("bad").await["code"], "unauthenticated");
    }

    // A good token would be good; it is not looked at either.
    let answer = refused("good:alice").await;

    assert_eq!((&answer["code"], &answer["retry"]), (&json!("too_many_attempts"), &json!("later")));
    assert_eq!(answer["retryAfter"], 20);
    assert_eq!(Seen::count(&fixture.seen.authentications), 3);
    assert_eq!(
        fixture.audit.outcomes().pop(),
        Some(Decision::Refused(RefusalReason::TooManyAttempts))
    );
    fixture.clock.advance(Duration::from_secs(20));
    fixture.alice().await;
}

/// An office has one address, and its people have credentials.
#[tokio::test]
async fn an_address_whose_clients_are_let_in_has_no_limit() {
    let limits = Limits { max_address_refusals: 3, ..Limits::default() };
    let lasting = Lasting::with(|builder| builder.limits(limits).gateway(echo())).await;

    for number in 0..50 {
        lasting.connect(json!({ "user": format!("user{number}") })).await;
    }
}

#[tokio::test]
async fn a_user_who_connects_in_a_loop_is_told_to_wait() {
    let limits = Limits { max_user_attempts: 3, ..Limits::default() };
    let lasting = Lasting::with(|builder| builder.limits(limits).gateway(echo())).await;
    for _ in 0..3 {
        lasting.connect(json!({ "user": "alice" })).await;
    }

    let refused = lasting.server.expect_refused("/", json!({ "user": "alice" })).await;

    assert_eq!(refused.code(), "too_many_attempts");
    assert_eq!(refused.json()["data"]["retryAfter"], 20);
    lasting.connect(json!({ "user": "bob" })).await;
    lasting.clock.advance(Duration::from_secs(20));
    lasting.connect(json!({ "user": "alice" })).await;
}

/// A live socket is no way around the budgets, and is not put out by those of its neighbours.
#[tokio::test]
async fn refreshes_count_as_attempts_of_their_user_and_of_their_socket() {
    let limits = Limits { max_user_attempts: 3, max_address_refusals: 1, ..Limits::default() };
    let lasting = Lasting::with(|builder| builder.limits(limits).gateway(echo())).await;
    let mut client = lasting.connect(json!({ "user": "alice" })).await;
    let mut refresh =
        async |auth: Value| -> Value { client.emit_with_ack("auth:refresh", auth).await };

    for _ in 0..2 {
        assert_eq!(refresh(json!({ "user": "alice" })).await["status"], "ok");
    }
    assert_eq!(refresh(json!({ "user": "alice" })).await["code"], "too_many_attempts");
    // One was refused for its user; whoever shows 32 more in vain is cut off.
    for _ in 0..31 {
        assert_eq!(refresh(json!({})).await["code"], "invalid_token");
    }
    client.emit("auth:refresh", json!({})).await;
    assert_eq!(client.ended().await, TestEnd::Passing);
}

/// An office whose tokens have expired together, and a page that opens sockets in its people's browsers.
#[tokio::test]
async fn what_is_no_guess_costs_an_address_nothing() {
    let limits = Limits { max_address_refusals: 3, ..Limits::default() };
    let fixture = Fixture::with(|builder, _| builder.limits(limits)).await;

    for auth in [r#"{"token":"over:alice"}"#, ""].repeat(5) {
        let mut client = RawClient::open(fixture.address).await;
        client.text(&format!("40{auth}")).await;
        let code = client.json("44").await["data"]["code"].clone();
        assert_ne!(code, "too_many_attempts");
    }

    fixture.alice().await;
}

/// Somebody with a dead token must not use up what its owner has.
#[tokio::test]
async fn a_revoked_credential_costs_its_owner_nothing() {
    let limits = Limits { max_user_attempts: 3, ..Limits::default() };
    let lasting = Lasting::with(|builder| builder.limits(limits).gateway(echo())).await;
    let stolen = json!({ "user": "alice", "token": "stolen" });
    let order = doorward::Revoke::Token(doorward::TokenId::new("stolen"));
    lasting.principals().revoke(order).await.unwrap();
    for _ in 0..10 {
        let refused = lasting.server.expect_refused("/", stolen.clone()).await;
        assert_eq!(refused.code(), "unauthenticated");
    }

    lasting.connect(json!({ "user": "alice" })).await;
}
