//! Budgets of attempts: clients that exceed them are turned away before any work is done for them.

use std::time::Duration;

use doorward::{
    Limits,
    audit::Decision,
    auth::{Issuer, RefusalReason, SigningKey},
    prelude::*,
    server::Clock as _,
    test::{ManualClock, TestEnd, TestServer},
};
use doorward_testkit::{RawClient, Seen as Frame};
use serde_json::{Value, json};

use crate::{
    fixture::{Fixture, GOOD, Seen, in_time},
    lasting::{Lasting, echo},
    memory::Memory,
};

/// The refusal costs no cryptography: the authenticator is not called.
#[tokio::test]
async fn an_address_with_too_many_refusals_is_turned_away_before_authentication() {
    let limits = |limits: &mut Limits| limits.max_address_refusals = 3;
    let fixture = Fixture::with(|builder, _| builder.limits(limits)).await;
    let refused = async |token: &str| {
        let mut client = RawClient::open(fixture.address).await;
        client.text(&format!(r#"40{{"token":"{token}"}}"#)).await;
        client.json("44").await["data"].clone()
    };
    for _ in 0..3 {
        assert_eq!(refused("bad").await["code"], "unauthenticated");
    }

    // This authenticator recognises no token by itself, so a valid one is turned away as well.
    let mut client = RawClient::open(fixture.address).await;
    client.text(GOOD).await;

    // Closed without a packet (1013, try again later), a stock client reconnects.
    assert_eq!(client.rest().await, [Frame::Closed(Some(1013))]);
    assert_eq!(Seen::count(&fixture.seen.authentications), 3);
    assert_eq!(
        fixture.audit.outcomes().pop(),
        Some(Decision::Refused(RefusalReason::TooManyAttempts))
    );
    // A third of the budget of a minute is available again, which is one attempt.
    fixture.clock.advance(Duration::from_secs(20));
    fixture.alice().await;
}

/// Starts a server with signed tokens and one guess for each address; returns it, its clock and its issuer.
async fn signed(change: impl FnOnce(&mut Limits)) -> (TestServer, ManualClock, Issuer) {
    let (key, clock) = (SigningKey::generate().unwrap(), ManualClock::new());
    let jwt = Jwt::es256(&key.public_pem()).unwrap().bound_to("issuer", "audience");
    let doorward = Doorward::builder()
        .authenticate(jwt)
        .gateway(Gateway::at("/"))
        .clock(clock.clone())
        .limits(change)
        .limits(|limits| limits.max_address_refusals = 1)
        .build()
        .unwrap();
    let server = TestServer::start(doorward).await.unwrap();
    (server, clock, Issuer::new(key, "issuer", "audience"))
}

fn token_for(user: &str, issuer: &Issuer, clock: &ManualClock) -> String {
    issuer.issue(user, Duration::from_secs(300), clock.wall(), "5zVS4TFyBWVk").unwrap()
}

/// Another client at the same address keeps guessing; signatures are still verified.
#[tokio::test]
async fn a_signed_token_is_admitted_beyond_the_budget_of_its_address() {
    let (server, clock, issuer) = signed(|_| {}).await;
    let good = token_for("alice", &issuer, &clock);
    let (unsigned, _) = good.rsplit_once('.').unwrap();
    let forged = format!("{unsigned}.{}", "A".repeat(86));
    assert_eq!(server.expect_refused("/", json!({ "token": "x" })).await.code(), "unauthenticated");

    for guess in ["x", &forged, &good.replacen('e', "", 1)] {
        server.expect_turned_away("/", json!({ "token": guess })).await;
    }

    server.connect("/", json!({ "token": good })).await;
}

/// A signed token that was revoked costs a look-up in the store, so its attempts are bounded as well.
#[tokio::test]
async fn a_revoked_token_has_few_attempts_beyond_the_budget_of_its_address() {
    let limits = |limits: &mut Limits| limits.max_user_attempts = 3;
    let (server, clock, issuer) = signed(limits).await;
    let stolen = token_for("alice", &issuer, &clock);
    clock.advance(Duration::from_secs(1));
    let principals = server.doorward().principals();
    principals.revoke(doorward::Revoke::User("alice".into())).await.unwrap();
    for _ in 0..4 {
        let refused = server.expect_refused("/", json!({ "token": stolen })).await;
        assert_eq!(refused.code(), "unauthenticated");
    }

    server.expect_turned_away("/", json!({ "token": stolen })).await;
    // The budgets of another user at that address, and of the owner at another address, are not
    // affected.
    server.connect("/", json!({ "token": token_for("bob", &issuer, &clock) })).await;
    clock.advance(Duration::from_secs(10));
    let elsewhere = server.visitor().peer(([203, 0, 113, 7], 1).into());
    elsewhere.connect("/", json!({ "token": token_for("alice", &issuer, &clock) })).await;
}

/// A program with one revoked token connects in a loop; a neighbour at its address must recover in time.
#[tokio::test]
async fn a_revoked_token_in_a_loop_does_not_prolong_the_lockout_of_its_address() {
    let (server, clock, issuer) = signed(|_| {}).await;
    let revoked = token_for("alice", &issuer, &clock);
    clock.advance(Duration::from_secs(1));
    let principals = server.doorward().principals();
    principals.revoke(doorward::Revoke::User("alice".into())).await.unwrap();
    for _ in 0..20 {
        let refused = server.expect_refused("/", json!({ "token": revoked })).await;
        assert_eq!(refused.code(), "unauthenticated");
    }

    let neighbour = json!({ "token": "x" });
    server.expect_turned_away("/", neighbour.clone()).await;
    clock.advance(Duration::from_secs(60));

    assert_eq!(server.expect_refused("/", neighbour).await.code(), "unauthenticated");
}

/// A token that is issued within the leeway after a revocation may be older than the revocation.
/// Its client receives `token_expired` and requests a new token. Such an attempt is not a guess.
#[tokio::test]
async fn a_token_that_may_predate_a_revocation_does_not_count_as_a_guess() {
    let (server, clock, issuer) = signed(|_| {}).await;
    let principals = server.doorward().principals();
    principals.revoke(doorward::Revoke::User("alice".into())).await.unwrap();
    clock.advance(Duration::from_secs(2));
    let early = json!({ "token": token_for("alice", &issuer, &clock) });

    for _ in 0..3 {
        let refused = server.expect_refused("/", early.clone()).await;
        assert_eq!(refused.code(), "token_expired");
    }

    // The budget of one guess is untouched.
    let refused = server.expect_refused("/", json!({ "token": "x" })).await;
    assert_eq!(refused.code(), "unauthenticated");
}

/// Any page that a user visits can open links from the user's address.
#[tokio::test]
async fn a_foreign_page_does_not_use_up_the_budget_of_its_visitors() {
    let limits = |limits: &mut Limits| limits.max_address_refusals = 10;
    let memory = Memory::with(|builder| builder.limits(limits).gateway(Gateway::at("/"))).await;
    let page = |origin: &str| {
        let visitor = memory.server.visitor().header("host", "chat.example.org");
        visitor.header("origin", origin)
    };
    let guess = json!({ "token": "" });
    for number in 0..20 {
        let page = page("https://evil.example");
        // Foreign pages share a fifth of the budget.
        if number < 2 {
            assert_eq!(page.expect_refused("/", guess.clone()).await.code(), "invalid_token");
        } else {
            page.expect_turned_away("/", guess.clone()).await;
        }
    }

    for _ in 0..5 {
        let refused = page("https://chat.example.org").expect_refused("/", guess.clone()).await;
        assert_eq!(refused.code(), "invalid_token");
    }
    page("https://chat.example.org").connect("/", json!({ "token": "alice" })).await;
    memory.connect("bob").await;
}

/// Applies to a Capacitor application or a front end on another host.
#[tokio::test]
async fn a_page_of_an_allowed_origin_has_the_budget_of_own_pages() {
    let limits = |limits: &mut Limits| limits.max_address_refusals = 10;
    let memory = Memory::with(|builder| {
        builder.limits(limits).pages(["capacitor://localhost"]).gateway(Gateway::at("/"))
    })
    .await;
    let page = |origin: &str| memory.server.visitor().header("origin", origin);
    for _ in 0..3 {
        let guess = page("https://evil.example").try_connect("/", json!({ "token": "" })).await;
        assert!(guess.is_err());
    }

    page("https://evil.example").expect_turned_away("/", json!({ "token": "alice" })).await;
    page("capacitor://localhost").connect("/", json!({ "token": "alice" })).await;
}

/// Pending admissions of the link are not recorded as undecided: the client repeats them on a new link.
#[tokio::test]
async fn a_link_that_is_turned_away_records_no_outage() {
    let limits = |limits: &mut Limits| limits.max_address_refusals = 1;
    let fixture = Fixture::with(|builder, _| builder.limits(limits)).await;
    let mut guess = RawClient::open(fixture.address).await;
    guess.text(r#"40{"token":"bad"}"#).await;
    guess.rest().await;
    let mut client = RawClient::open(fixture.address).await;

    client
        .texts(["40/nowhere,", r#"40{"token":"bad"}"#, r#"40/chat,{"token":"slow:alice"}"#])
        .await;

    assert_eq!(client.rest().await.last(), Some(&Frame::Closed(Some(1013))));
    let outcomes = fixture.audit.outcomes();
    assert!(!outcomes.contains(&Decision::Undecided(RefusalReason::Unavailable)), "{outcomes:?}");
}

/// Audit records and budgets would mistake such a user for an anonymous client.
#[tokio::test]
async fn a_user_named_anonymous_is_refused() {
    let memory = Memory::serve(Gateway::at("/")).await;

    let refused = memory.server.expect_refused("/", json!({ "token": "anonymous" })).await;

    assert_eq!(refused.code(), "unauthenticated");
}

/// A foreign page must not use up the links of an address by opening silent ones.
#[tokio::test]
async fn a_foreign_page_has_half_of_the_links_of_its_visitors_address() {
    let limits = |limits: &mut Limits| limits.max_unauthenticated_links = 4;
    let fixture = Fixture::with(|builder, _| builder.limits(limits)).await;
    let open = async |origin: &str| {
        let request = format!(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nOrigin: {origin}\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        RawClient::request(fixture.address, request.as_bytes()).await
    };
    let mut held = Vec::new();
    for expected in ["101", "101", "429", "429"] {
        let (client, head) = open("https://evil.example").await;
        assert!(head.starts_with(&format!("HTTP/1.1 {expected} ")), "{head}");
        held.push(client);
    }

    // The host is `x`, so this is a page of the application.
    for _ in 0..4 {
        let (client, head) = open("https://x").await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        held.push(client);
    }
}

/// A foreign page can show its own credential, so an admitted socket must not clear the count.
#[tokio::test]
async fn a_link_of_a_foreign_page_still_counts_after_its_last_socket_has_left() {
    let limits = |limits: &mut Limits| limits.max_unauthenticated_links = 4;
    let fixture = Fixture::with(|builder, _| builder.limits(limits)).await;
    let mut held = Vec::new();
    for number in 0..2 {
        let origin = "Origin: https://evil.example\r\n";
        let mut link = RawClient::open_from(fixture.address.ip(), fixture.address, origin).await;
        link.text(GOOD).await;
        link.json("40").await;
        link.text("41").await;
        in_time(fixture.audit.wait_for(2 * (number + 1))).await;
        held.push(link);
    }

    let request = |origin: &str| {
        format!(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n{origin}\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
    };
    let foreign = request("Origin: https://evil.example\r\n");
    let (_, head) = RawClient::request(fixture.address, foreign.as_bytes()).await;
    assert!(head.starts_with("HTTP/1.1 429 "), "{head}");
    for _ in 0..4 {
        let (client, head) = RawClient::request(fixture.address, request("").as_bytes()).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        held.push(client);
    }
}

/// The users of an office share one address, and all have credentials.
#[tokio::test]
async fn an_address_whose_clients_are_admitted_has_no_limit() {
    let limits = |limits: &mut Limits| limits.max_address_refusals = 3;
    let lasting = Lasting::with(|builder| builder.limits(limits).gateway(echo())).await;

    for number in 0..50 {
        lasting.connect(json!({ "user": format!("user{number}") })).await;
    }
}

#[tokio::test]
async fn a_user_who_connects_in_a_loop_is_turned_away() {
    let limits = |limits: &mut Limits| limits.max_user_attempts = 3;
    let lasting = Lasting::with(|builder| builder.limits(limits).gateway(echo())).await;
    for _ in 0..3 {
        lasting.connect(json!({ "user": "alice" })).await;
    }

    lasting.server.expect_turned_away("/", json!({ "user": "alice" })).await;

    lasting.connect(json!({ "user": "bob" })).await;
    lasting.clock.advance(Duration::from_secs(20));
    lasting.connect(json!({ "user": "alice" })).await;
}

/// Refreshes on a live socket count for their user and socket. The budget of the address, which
/// neighbours share, does not end a socket.
#[tokio::test]
async fn refreshes_count_as_attempts_of_their_user_and_of_their_socket() {
    let limits = |limits: &mut Limits| {
        limits.max_user_attempts = 3;
        limits.max_address_refusals = 1;
    };
    let lasting = Lasting::with(|builder| builder.limits(limits).gateway(echo())).await;
    let mut client = lasting.connect(json!({ "user": "alice" })).await;
    let mut refresh =
        async |auth: Value| -> Value { client.emit_with_ack("auth:refresh", auth).await };

    for _ in 0..2 {
        assert_eq!(refresh(json!({ "user": "alice" })).await["status"], "ok");
    }
    assert_eq!(refresh(json!({ "user": "alice" })).await["code"], "too_many_attempts");
    // Up to 32 refreshes of a socket may be refused in a row. One was refused above, and the 33rd
    // ends the socket.
    for _ in 0..31 {
        assert_eq!(refresh(json!({})).await["code"], "invalid_token");
    }
    client.emit("auth:refresh", json!({})).await;
    assert_eq!(client.ended().await, TestEnd::Passing);
}

/// Tokens of an office that expire together, and sockets that a page opens in its users' browsers.
#[tokio::test]
async fn expired_and_missing_credentials_cost_an_address_nothing() {
    let limits = |limits: &mut Limits| limits.max_address_refusals = 3;
    let fixture = Fixture::with(|builder, _| builder.limits(limits)).await;

    for auth in [r#"{"token":"expired:alice"}"#, ""].repeat(5) {
        let mut client = RawClient::open(fixture.address).await;
        client.text(&format!("40{auth}")).await;
        let code = client.json("44").await["data"]["code"].clone();
        assert_ne!(code, "too_many_attempts");
    }

    fixture.alice().await;
}

/// The holder of a revoked token must not use up the budget of its owner.
#[tokio::test]
async fn a_revoked_credential_costs_its_owner_nothing() {
    let limits = |limits: &mut Limits| limits.max_user_attempts = 3;
    let lasting = Lasting::with(|builder| builder.limits(limits).gateway(echo())).await;
    let stolen = json!({ "user": "alice", "token": "stolen" });
    let order = doorward::Revoke::Token(doorward::auth::TokenId::new("stolen"));
    lasting.principals().revoke(order).await.unwrap();
    for _ in 0..10 {
        let refused = lasting.server.expect_refused("/", stolen.clone()).await;
        assert_eq!(refused.code(), "unauthenticated");
    }

    lasting.connect(json!({ "user": "alice" })).await;
}
