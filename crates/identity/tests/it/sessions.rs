//! Lists, revokes and expires the sessions of a user.

use doorward::test::TestEnd;
use http::StatusCode;
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn sessions_are_listed_with_device_times_and_live_sockets() {
    let world = World::new().await;
    let (mut passkey, mut first) = world.sign_up("alice").await;
    world.advance(60);
    let mut second = world.browser();
    world.sign_in(&mut passkey, &mut second).await;
    let _one = world.connect(&second).await;
    let _two = world.connect(&second).await;

    let list = first.get("/auth/sessions").await.json;

    let sessions = list["sessions"].as_array().unwrap();
    let shown: Vec<_> = sessions
        .iter()
        .map(|one| (&one["current"], &one["device"], &one["network"], &one["sockets"]))
        .collect();
    let (device, network) = (json!("Chrome on Linux"), json!("203.0.113.0"));
    assert_eq!(
        shown,
        [
            (&json!(true), &device, &network, &json!(0)),
            (&json!(false), &device, &network, &json!(2)),
        ]
    );
    assert_ne!(sessions[0]["createdAt"], sessions[1]["createdAt"]);
    for time in ["createdAt", "signedInAt", "lastSeenAt", "expiresAt"] {
        assert!(sessions[0][time].as_str().unwrap().ends_with('Z'), "{list}");
    }
}

/// Attack 64: the ids of other users' sessions must not be confirmed.
#[tokio::test]
async fn a_session_of_another_user_reads_as_not_found() {
    let world = World::new().await;
    let (_, mut alice) = world.sign_up("alice").await;
    let (_, mut bob) = world.sign_up("bob").await;
    let own = bob.get("/auth/me").await.json["session"]["id"].clone();
    let path = format!("/auth/sessions/{}", own.as_str().unwrap());

    let foreign = alice.delete(&path).await;
    let none = alice.delete("/auth/sessions/none").await;

    assert_eq!((foreign.code(), &foreign.json), (none.code(), &none.json));
    assert_eq!(foreign.code(), (404, "not_found"));
    assert_eq!(bob.get("/auth/me").await.status, StatusCode::OK);
    let list = alice.get("/auth/sessions").await.json;
    assert!(!list.to_string().contains(own.as_str().unwrap()), "{list}");
}

#[tokio::test]
async fn the_sockets_of_a_session_have_ended_when_its_revocation_is_answered() {
    let world = World::new().await;
    let (mut passkey, mut first) = world.sign_up("alice").await;
    let mut second = world.browser();
    world.sign_in(&mut passkey, &mut second).await;
    let (mut of_first, mut of_second) = (world.connect(&first).await, world.connect(&second).await);
    let id = second.get("/auth/me").await.json["session"]["id"].clone();

    let answer = first.delete(&format!("/auth/sessions/{}", id.as_str().unwrap())).await;

    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let told: Value = of_second.expect_event("session_ended").await;
    assert_eq!((&told["code"], &told["retry"]), (&json!("revoked"), &json!("after_login")));
    assert_eq!(of_second.ended().await, TestEnd::Final);
    assert_eq!(second.get("/auth/me").await.code(), (401, "session_required"));
    assert_eq!(of_first.emit_with_ack::<String>("echo", "on").await, "on");
}

#[tokio::test]
async fn all_other_sessions_are_revoked_at_once() {
    let world = World::new().await;
    let (mut passkey, mut first) = world.sign_up("alice").await;
    let mut others = [world.browser(), world.browser()];
    for other in &mut others {
        world.sign_in(&mut passkey, other).await;
    }

    let wrong = first.delete("/auth/sessions").await;
    let answer = first.delete("/auth/sessions?scope=others").await;

    assert_eq!(wrong.code(), (400, "bad_request"));
    assert_eq!((answer.status, &answer.json), (StatusCode::OK, &json!({ "ended": 2 })));
    for other in &mut others {
        assert_eq!(other.get("/auth/me").await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(first.get("/auth/me").await.status, StatusCode::OK);
}

/// Attack 58: a copied cookie or an open socket must not outlive the sign-out.
#[tokio::test]
async fn a_sign_out_ends_its_own_session_and_sockets_only() {
    let world = World::new().await;
    let (mut passkey, mut first) = world.sign_up("alice").await;
    let mut second = world.browser();
    world.sign_in(&mut passkey, &mut second).await;
    let (mut of_first, mut of_second) = (world.connect(&first).await, world.connect(&second).await);
    let mut copy = first.clone();

    let answer = first.delete("/auth/session").await;

    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.headers["clear-site-data"], "\"storage\"");
    assert_eq!(first.session_cookie(), None);
    assert_eq!(of_first.ended().await, TestEnd::Final);
    // A copy of the cookie is rejected, too.
    assert_eq!(copy.get("/auth/me").await.code(), (401, "session_required"));
    assert_eq!(of_second.emit_with_ack::<String>("echo", "on").await, "on");
}

#[tokio::test]
async fn an_access_token_names_its_user_and_session() {
    let world = World::new().await;
    let (_, mut browser) = world.sign_up("alice").await;

    let answer = browser.post("/auth/token", &json!({})).await;
    let signed_out = world.browser().post("/auth/token", &json!({})).await;

    let token = answer.json["token"].as_str().unwrap();
    let claims = token.split('.').nth(1).unwrap();
    let claims = doorward_core::CredentialId::decode(claims).unwrap();
    let claims: Value = serde_json::from_slice(claims.as_bytes()).unwrap();
    let me = browser.get("/auth/me").await.json;
    assert_eq!((&claims["sub"], &claims["sid"]), (&me["user"]["id"], &me["session"]["id"]));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 300);
    assert_eq!(signed_out.code(), (401, "session_required"));
}

/// Attack 59: idle sessions expire, and activity does not prolong a session beyond its maximum age.
#[tokio::test]
async fn a_session_ends_when_idle_and_at_its_maximum_age() {
    let world = World::new().await;
    let (mut passkey, mut browser) = world.sign_up("alice").await;
    world.advance(3599);
    assert_eq!(browser.get("/auth/me").await.status, StatusCode::OK);
    world.advance(3600);
    assert_eq!(browser.get("/auth/me").await.code(), (401, "session_required"));

    world.sign_in(&mut passkey, &mut browser).await;
    // A session that is used every half hour ends after 12 hours.
    for _ in 0..23 {
        world.advance(30 * 60);
        assert_eq!(browser.get("/auth/me").await.status, StatusCode::OK);
    }
    world.advance(30 * 60);
    assert_eq!(browser.get("/auth/me").await.code(), (401, "session_required"));
}

/// Neither browsers nor proxies may store an answer.
#[tokio::test]
async fn answers_are_not_cached() {
    let world = World::new().await;
    let (_, mut browser) = world.sign_up("alice").await;

    for path in ["/auth/me", "/auth/passkeys", "/auth/sessions"] {
        let answer = browser.get(path).await;

        assert_eq!(answer.headers["cache-control"], "no-store", "{path}");
        assert!(!answer.json.to_string().contains(browser.session_cookie().unwrap()), "{path}");
    }
}
