//! Exchanges tickets for session cookies, and refuses stolen and planted tickets.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    order::recorded_world,
    world::{Browser, World, ask, assertion, pair},
};

/// Signs in, and returns the ticket and the verifier of the page that asked for it.
async fn ticket(world: &World, passkey: &mut doorward_testkit::SoftPasskey) -> (Value, String) {
    let (verifier, challenge) = pair();
    let mut page = world.page().await;
    let begun = ask(&mut page, "webauthn:authenticate", &json!({ "challenge": challenge })).await;
    let verify = assertion(passkey, &begun);
    let done = ask(&mut page, "webauthn:authenticate:verify", &verify).await;
    (done["ticket"].clone(), verifier)
}

/// Asserts that a ticket is refused and sets no cookie.
async fn refused(browser: &mut Browser, ticket: &Value, verifier: &str) {
    let body = json!({ "ticket": ticket, "verifier": verifier });
    let answer = browser.post("/auth/session", &body).await;
    assert_eq!(answer.code(), (400, "ticket_invalid"));
    assert_eq!(browser.session_cookie(), None);
}

/// Attack 61: a ticket is used twice.
#[tokio::test]
async fn a_ticket_is_accepted_once() {
    let world = World::new().await;
    let (mut passkey, _) = world.sign_up("alice").await;
    let (ticket, verifier) = ticket(&world, &mut passkey).await;
    let done = json!({ "success": true, "ticket": ticket });
    world.browser().exchange(&done, &verifier).await;

    refused(&mut world.browser(), &ticket, &verifier).await;
}

/// Attack 61: a ticket is used late.
#[tokio::test]
async fn a_ticket_expires_after_thirty_seconds() {
    let world = World::new().await;
    let (mut passkey, _) = world.sign_up("alice").await;
    let (late, verifier) = ticket(&world, &mut passkey).await;
    world.advance(30);
    refused(&mut world.browser(), &late, &verifier).await;

    let (in_time, verifier) = ticket(&world, &mut passkey).await;
    world.advance(29);
    let done = json!({ "success": true, "ticket": in_time });
    world.browser().exchange(&done, &verifier).await;
}

/// Attack 61: a thief who has the ticket without the verifier uses the ticket up and gets no session.
#[tokio::test]
async fn a_stolen_ticket_opens_no_session() {
    let world = World::new().await;
    let (mut passkey, _) = world.sign_up("alice").await;
    let (ticket, verifier) = ticket(&world, &mut passkey).await;

    let (of_the_thief, _) = pair();
    refused(&mut world.browser(), &ticket, &of_the_thief).await;
    refused(&mut world.browser(), &ticket, &verifier).await;
}

/// Attack 61: a ticket is used by GET, or from a foreign page.
#[tokio::test]
async fn a_ticket_is_exchanged_only_by_post_from_an_own_page() {
    let world = World::new().await;
    let (mut passkey, _) = world.sign_up("alice").await;
    let (ticket, verifier) = ticket(&world, &mut passkey).await;
    let body = json!({ "ticket": ticket, "verifier": verifier });
    let mut browser = world.browser();

    let query = format!("ticket={}&verifier={verifier}", ticket.as_str().unwrap());
    let got = browser.get(&format!("/auth/session?{query}")).await;
    let evil = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    let foreign = browser.send(Method::POST, "/auth/session", Some(&body), &evil).await;

    assert_eq!(got.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(foreign.code(), (403, "forbidden"));
    assert!(foreign.json["detail"].as_str().unwrap().contains("origins.allow"), "{foreign:?}");
    assert_eq!(browser.session_cookie(), None);
    // The refusals have not used the ticket up.
    let done = json!({ "success": true, "ticket": ticket });
    browser.exchange(&done, &verifier).await;
}

#[tokio::test]
async fn malformed_and_unknown_tickets_are_refused_alike() {
    let world = World::new().await;
    let (verifier, _) = pair();

    for ticket in [json!("x"), json!(""), json!("A".repeat(43)), json!("\u{0}")] {
        refused(&mut world.browser(), &ticket, &verifier).await;
    }
    for body in [json!({}), json!([]), json!({ "ticket": 7, "verifier": "x" })] {
        let answer = world.browser().post("/auth/session", &body).await;
        assert_eq!(answer.code(), (400, "bad_request"), "{body}");
    }
}

#[tokio::test]
async fn a_client_that_keeps_showing_tickets_has_to_wait() {
    let world = World::new().await;
    let (verifier, _) = pair();
    let body = json!({ "ticket": "A".repeat(43), "verifier": verifier });
    let mut browser = world.browser();
    for _ in 0..120 {
        assert_eq!(browser.post("/auth/session", &body).await.code(), (400, "ticket_invalid"));
    }

    let answer = browser.post("/auth/session", &body).await;

    assert_eq!(answer.code(), (429, "too_many_attempts"));
}

/// Attack 55, session fixation: a sign-in never continues the session of an earlier cookie.
#[tokio::test]
async fn a_planted_session_cookie_is_replaced_and_its_session_ends() {
    let world = World::new().await;
    let (mut passkey, _) = world.sign_up("alice").await;
    let (_, attacker) = world.sign_up("mallory").await;
    let planted = attacker.session_cookie().unwrap().to_owned();
    let mut victim = world.browser();
    victim.cookies.insert("__Host-doorward".into(), planted.clone());

    world.sign_in(&mut passkey, &mut victim).await;

    assert_ne!(victim.session_cookie().unwrap(), planted);
    assert_eq!(victim.get("/auth/me").await.json["user"]["username"], "alice");
    // The planted session has ended, so the attacker does not share a session with the victim.
    let mut attacker = attacker;
    assert_eq!(attacker.get("/auth/me").await.code(), (401, "session_required"));
}

/// Attack 92: if the old cookie cannot be looked up, a sign-in that replaces it could leave a planted session active.
#[tokio::test]
async fn no_ticket_is_exchanged_when_the_session_of_the_cookie_cannot_be_read() {
    let (world, recorded) = recorded_world().await;
    let (mut passkey, _) = world.sign_up("alice").await;
    let (_, mut browser) = world.sign_up("mallory").await;
    let before = browser.session_cookie().unwrap().to_owned();
    let (ticket, verifier) = ticket(&world, &mut passkey).await;
    recorded.is_away.store(true, std::sync::atomic::Ordering::Relaxed);

    let body = json!({ "ticket": ticket, "verifier": verifier });
    let answer = browser.post("/auth/session", &body).await;

    assert_eq!(answer.code(), (503, "unavailable"));
    assert_eq!(browser.session_cookie(), Some(&*before));
}

/// Attack 55: the server replaces a planted ceremony cookie when a ceremony starts.
#[tokio::test]
async fn a_planted_ceremony_cookie_gives_no_access_to_a_ceremony() {
    let world = World::new().await;
    let (mut passkey, _) = world.sign_up("alice").await;
    let mut victim = world.browser();
    victim.cookies.insert("__Host-doorward-ceremony".into(), "planted".into());

    let (_, challenge) = pair();
    let wish = json!({ "challenge": challenge });
    let begun = victim.post("/auth/passkeys/authenticate", &wish).await.json;
    let verify = assertion(&mut passkey, &begun);
    let mut attacker = world.browser();
    attacker.cookies.insert("__Host-doorward-ceremony".into(), "planted".into());
    let answer = attacker.post("/auth/passkeys/authenticate/verify", &verify).await;

    assert_eq!(answer.code(), (409, "ceremony_over"));
    assert_ne!(victim.cookies["__Host-doorward-ceremony"], "planted");
}

/// Attack 56: a fresh sign-in gives a new session token, and the old token is refused.
#[tokio::test]
async fn a_fresh_sign_in_rotates_the_token_and_keeps_session_and_sockets() {
    let world = World::new().await;
    let (mut passkey, mut browser) = world.sign_up("alice").await;
    let mut socket = world.connect(&browser).await;
    let before = browser.get("/auth/me").await.json["session"].clone();
    let mut old = browser.clone();
    world.advance(301);

    world.sign_in(&mut passkey, &mut browser).await;

    let after = browser.get("/auth/me").await.json["session"].clone();
    assert_eq!(before["id"], after["id"]);
    assert_ne!(before["signedInAt"], after["signedInAt"]);
    assert_eq!(old.get("/auth/me").await.code(), (401, "session_required"));
    assert_eq!(socket.emit_with_ack::<String>("echo", "still here").await, "still here");
    let sessions = browser.get("/auth/sessions").await.json;
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1, "{sessions}");
}
