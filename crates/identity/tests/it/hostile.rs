//! Refuses answers of authenticators that lie in exactly one value.

use doorward::test::TestClient;
use doorward_core::{Decision, RefusalReason};
use doorward_testkit::{BACKED_UP, SoftAnswer, SoftPasskey, USER_PRESENT, USER_VERIFIED};
use serde_json::{Value, json};

use crate::{
    order::recorded_world,
    world::{URL, World, ask, assertion, attestation, pair},
};

/// Starts a sign-in on a new socket, and returns the socket and the options.
async fn begin(world: &World) -> (TestClient, Value) {
    let (_, challenge) = pair();
    let mut page = world.page().await;
    let begun = ask(&mut page, "webauthn:authenticate", &json!({ "challenge": challenge })).await;
    (page, begun["options"].clone())
}

/// Signs in on a new socket with the honest answer changed by `lie`, and returns the server's answer.
pub(crate) async fn sign_in_with(
    world: &World,
    passkey: &mut SoftPasskey,
    lie: impl FnOnce(SoftAnswer) -> SoftAnswer,
) -> Value {
    let (mut page, options) = begin(world).await;
    let credential = lie(passkey.assertion(&options, URL)).answer(passkey);
    ask(&mut page, "webauthn:authenticate:verify", &json!({ "credential": credential })).await
}

/// Signs up on a new socket with the honest answer changed by `lie`, and returns the server's answer.
pub(crate) async fn sign_up_with(
    world: &World,
    name: &str,
    passkey: &mut SoftPasskey,
    lie: impl FnOnce(SoftAnswer) -> SoftAnswer,
) -> Value {
    let (_, challenge) = pair();
    let mut page = world.page().await;
    let wish = json!({ "username": name, "challenge": challenge });
    let begun = ask(&mut page, "webauthn:register", &wish).await;
    let credential = lie(passkey.attestation(&begun["options"], URL)).answer(passkey);
    ask(&mut page, "webauthn:register:verify", &json!({ "credential": credential })).await
}

/// Name of a change to an answer, and the function that makes the change.
type Lie = (&'static str, fn(SoftAnswer) -> SoftAnswer);

/// Lies that every ceremony must refuse: attacks 67, 69, 70 and 77.
const LIES: &[Lie] = &[
    ("origin", |a| SoftAnswer { origin: "https://evil.example".into(), ..a }),
    ("origin that begins alike", |a| SoftAnswer { origin: format!("{URL}.evil.example"), ..a }),
    ("another port", |a| SoftAnswer { origin: "http://localhost:3001".into(), ..a }),
    ("another scheme", |a| SoftAnswer { origin: "https://localhost:3000".into(), ..a }),
    ("subdomain", |a| SoftAnswer { origin: "http://a.localhost:3000".into(), ..a }),
    ("relying party", |a| SoftAnswer { rp_id: "evil.example".into(), ..a }),
    ("cross origin", |a| SoftAnswer { more: r#","crossOrigin":true"#.into(), ..a }),
    ("top origin", |a| SoftAnswer { more: r#","topOrigin":"https://evil.example""#.into(), ..a }),
    ("twice", |a| SoftAnswer { more: format!(r#","challenge":"{}""#, a.challenge), ..a }),
    ("user not present", |a| SoftAnswer { flags: USER_VERIFIED, ..a }),
    ("not verified", |a| SoftAnswer { flags: USER_PRESENT, ..a }),
    ("backed up and not eligible", |a| SoftAnswer { flags: a.flags | BACKED_UP, ..a }),
];

#[tokio::test]
async fn an_answer_with_one_lie_does_not_sign_in() {
    let world = World::new().await;
    let (mut passkey, _) = world.sign_up("alice").await;

    for (what, lie) in LIES {
        let answer = sign_in_with(&world, &mut passkey, lie).await;

        assert_eq!(answer["code"], "authentication_failed", "{what}: {answer}");
    }
    let honest = sign_in_with(&world, &mut passkey, |answer| answer).await;
    assert_eq!(honest["success"], true, "{honest}");
}

#[tokio::test]
async fn an_answer_with_one_lie_creates_no_account() {
    let world = World::new().await;

    for (what, lie) in LIES {
        let answer = sign_up_with(&world, "alice", &mut SoftPasskey::new(), lie).await;

        assert_eq!(answer["code"], "registration_failed", "{what}: {answer}");
    }
    let honest = sign_up_with(&world, "alice", &mut SoftPasskey::new(), |answer| answer).await;
    assert_eq!(honest["success"], true, "{honest}");
}

/// Attack 67: an answer for one type of ceremony must not be valid for another.
#[tokio::test]
async fn an_answer_of_another_type_is_refused() {
    let world = World::new().await;
    let (mut passkey, _) = world.sign_up("alice").await;
    let (mut page, options) = begin(&world).await;
    let honest = passkey.assertion(&options, URL);

    let lie = SoftAnswer { kind: "payment.get".into(), ..honest }.answer(&mut passkey);
    let answer =
        ask(&mut page, "webauthn:authenticate:verify", &json!({ "credential": lie })).await;

    assert_eq!(answer["code"], "authentication_failed");
}

/// Attack 68: a replayed answer.
#[tokio::test]
async fn an_answer_is_accepted_once() {
    let world = World::new().await;
    let (mut passkey, _) = world.sign_up("alice").await;
    let (mut page, options) = begin(&world).await;
    let credential = passkey.assertion(&options, URL).answer(&mut passkey);
    let verify = json!({ "credential": credential });

    let first = ask(&mut page, "webauthn:authenticate:verify", &verify).await;
    let second = ask(&mut page, "webauthn:authenticate:verify", &verify).await;

    assert_eq!(first["success"], true);
    assert_eq!(second["code"], "ceremony_over");
}

/// Attack 68: an attacker has one attempt, because a refused answer ends the ceremony.
#[tokio::test]
async fn a_refused_answer_ends_its_ceremony() {
    let world = World::new().await;
    let (mut passkey, _) = world.sign_up("alice").await;
    let (mut page, options) = begin(&world).await;
    let honest = passkey.assertion(&options, URL);
    let bad = SoftAnswer { flags: 0, ..honest.clone() }.answer(&mut passkey);
    ask(&mut page, "webauthn:authenticate:verify", &json!({ "credential": bad })).await;

    let good = honest.answer(&mut passkey);
    let answer =
        ask(&mut page, "webauthn:authenticate:verify", &json!({ "credential": good })).await;

    assert_eq!(answer["code"], "ceremony_over");
}

/// Attack 68: an answer is sent over another socket or over HTTP.
#[tokio::test]
async fn an_answer_is_accepted_only_on_the_socket_that_asked() {
    let world = World::new().await;
    let (mut passkey, _) = world.sign_up("alice").await;
    let (_, challenge) = pair();
    let (mut page, mut other) = (world.page().await, world.page().await);
    let begun = ask(&mut page, "webauthn:authenticate", &json!({ "challenge": challenge })).await;
    let verify = assertion(&mut passkey, &begun);

    let elsewhere = ask(&mut other, "webauthn:authenticate:verify", &verify).await;
    let over_http = world.browser().post("/auth/passkeys/authenticate/verify", &verify).await;
    let here = ask(&mut page, "webauthn:authenticate:verify", &verify).await;

    assert_eq!(elsewhere["code"], "ceremony_over");
    assert_eq!(over_http.code(), (409, "ceremony_over"));
    assert_eq!(here["success"], true, "{here}");
}

/// Attack 68: an answer is sent by another browser, which has started another ceremony.
#[tokio::test]
async fn an_answer_is_accepted_only_from_the_browser_that_asked() {
    let world = World::new().await;
    let (mut passkey, _) = world.sign_up("alice").await;
    let (mut browser, mut other) = (world.browser(), world.browser());
    let (_, challenge) = pair();
    let wish = json!({ "challenge": challenge });
    other.post("/auth/passkeys/authenticate", &wish).await;
    let begun = browser.post("/auth/passkeys/authenticate", &wish).await.json;
    let verify = assertion(&mut passkey, &begun);

    let elsewhere = other.post("/auth/passkeys/authenticate/verify", &verify).await;
    let here = browser.post("/auth/passkeys/authenticate/verify", &verify).await;

    assert_eq!(elsewhere.code(), (409, "ceremony_over"));
    assert_eq!(here.json["success"], true);
}

/// Attack 68: an answer to an old challenge.
#[tokio::test]
async fn a_ceremony_expires_after_five_minutes() {
    let world = World::new().await;
    let (mut passkey, _) = world.sign_up("alice").await;
    let mut browser = world.browser();
    let (_, challenge) = pair();
    let wish = json!({ "challenge": challenge });
    let begun = browser.post("/auth/passkeys/authenticate", &wish).await.json;
    let verify = assertion(&mut passkey, &begun);

    world.advance(300);
    let late = browser.post("/auth/passkeys/authenticate/verify", &verify).await;

    assert_eq!(late.code(), (409, "ceremony_over"));
}

/// Attack 68: a challenge of another ceremony.
#[tokio::test]
async fn the_challenge_of_a_registration_is_not_valid_for_a_sign_in() {
    let world = World::new().await;
    let (mut passkey, _) = world.sign_up("alice").await;
    let (_, challenge) = pair();
    let mut page = world.page().await;
    let wish = json!({ "username": "bob", "challenge": challenge });
    let begun = ask(&mut page, "webauthn:register", &wish).await;
    let options = json!({ "challenge": begun["options"]["challenge"], "rpId": "localhost" });

    let credential = passkey.assertion(&options, URL).answer(&mut passkey);
    let answer =
        ask(&mut page, "webauthn:authenticate:verify", &json!({ "credential": credential })).await;

    assert_eq!(answer["code"], "ceremony_over");
}

/// Attack 68: a passkey of another user than the one that was named.
#[tokio::test]
async fn a_passkey_of_another_user_than_the_named_one_is_refused() {
    let world = World::new().await;
    world.sign_up("alice").await;
    let (mut passkey, _) = world.sign_up("bob").await;
    let (_, challenge) = pair();

    for name in ["alice", "unknown"] {
        let mut page = world.page().await;
        let wish = json!({ "username": name, "challenge": challenge });
        let begun = ask(&mut page, "webauthn:authenticate", &wish).await;
        let verify = assertion(&mut passkey, &begun);
        let answer = ask(&mut page, "webauthn:authenticate:verify", &verify).await;

        assert_eq!(answer["code"], "authentication_failed", "{name}");
    }
}

#[tokio::test]
async fn without_a_name_the_user_handle_must_be_the_owner_of_the_passkey() {
    let world = World::new().await;
    let (other, _) = world.sign_up("bob").await;
    let (mut passkey, _) = world.sign_up("alice").await;

    for handle in [None, Some(Vec::new()), Some(other.user_handle), Some(vec![7; 16])] {
        let lie = |answer| SoftAnswer { user_handle: handle.clone(), ..answer };
        let answer = sign_in_with(&world, &mut passkey, lie).await;

        assert_eq!(answer["code"], "authentication_failed", "{handle:?}");
    }
}

/// Attack 72: a counter that does not grow suggests a cloned authenticator (WebAuthn, section 6.1.1).
#[tokio::test]
async fn a_counter_that_does_not_grow_is_refused_and_recorded() {
    let world = World::new().await;
    let (mut passkey, _) = world.sign_up("alice").await;
    let lie = |counter| move |answer| SoftAnswer { counter, ..answer };
    assert_eq!(sign_in_with(&world, &mut passkey, lie(9)).await["success"], true);

    for counter in [9, 8, 0] {
        let answer = sign_in_with(&world, &mut passkey, lie(counter)).await;

        assert_eq!(answer["code"], "authentication_failed", "{counter}");
        let last = world.audit.outcomes().pop();
        assert_eq!(last, Some(Decision::Refused(RefusalReason::PasskeyCloned)), "{counter}");
    }
    assert_eq!(sign_in_with(&world, &mut passkey, lie(10)).await["success"], true);
}

/// Attack 72: two sign-ins use the same counter at the same time, and the rival is recorded first.
#[tokio::test]
async fn of_two_sign_ins_with_one_counter_the_slower_one_is_refused() {
    let (world, recorded) = recorded_world().await;
    let (mut passkey, _) = world.sign_up("alice").await;
    recorded.has_rival.store(true, std::sync::atomic::Ordering::Relaxed);

    let answer = sign_in_with(&world, &mut passkey, |answer| answer).await;

    assert_eq!(answer["code"], "authentication_failed");
    let last = world.audit.outcomes().pop();
    assert_eq!(last, Some(Decision::Refused(RefusalReason::PasskeyCloned)));
}

#[tokio::test]
async fn an_authenticator_without_a_counter_is_accepted() {
    let world = World::new().await;
    let mut passkey = SoftPasskey::new();
    let zero = |answer| SoftAnswer { counter: 0, ..answer };
    assert_eq!(sign_up_with(&world, "alice", &mut passkey, zero).await["success"], true);

    for _ in 0..3 {
        assert_eq!(sign_in_with(&world, &mut passkey, zero).await["success"], true);
    }
}

/// Attack 73: a passkey whose id another account has registered.
#[tokio::test]
async fn a_passkey_belongs_to_one_account() {
    let world = World::new().await;
    let (first, _) = world.sign_up("alice").await;
    let mut thief = SoftPasskey::new();
    thief.id = first.id;

    let answer = sign_up_with(&world, "mallory", &mut thief, |answer| answer).await;

    assert_eq!(answer["code"], "registration_failed");
    let last = world.audit.outcomes().pop();
    assert_eq!(last, Some(Decision::Refused(RefusalReason::PasskeyTaken)));
    // The refused sign-up has not taken the name.
    let mut page = world.page().await;
    let (_, challenge) = pair();
    let free = json!({ "username": "mallory", "challenge": challenge });
    assert_eq!(ask(&mut page, "webauthn:register", &free).await["success"], true);
}

#[tokio::test]
async fn a_taken_name_is_refused_in_every_spelling_and_until_the_last_step() {
    let world = World::new().await;
    let (_, challenge) = pair();
    let (mut early, mut late) = (SoftPasskey::new(), SoftPasskey::new());
    let (mut one, mut other) = (world.page().await, world.page().await);
    let wish = |name: &str| json!({ "username": name, "challenge": challenge });
    let first = ask(&mut one, "webauthn:register", &wish("Straße")).await;
    let second = ask(&mut other, "webauthn:register", &wish("STRASSE")).await;
    let verify = attestation(&mut early, &first);
    assert_eq!(ask(&mut one, "webauthn:register:verify", &verify).await["success"], true);

    let verify = attestation(&mut late, &second);
    let lost = ask(&mut other, "webauthn:register:verify", &verify).await;
    let again = ask(&mut other, "webauthn:register", &wish("strasse")).await;

    assert_eq!(lost["code"], "username_taken");
    assert_eq!(again["code"], "username_taken");
}

/// Attack 76: a sign-up in a browser that is signed in creates a separate account.
#[tokio::test]
async fn a_sign_up_never_adds_a_passkey_to_the_signed_in_account() {
    let world = World::new().await;
    let (_, mut browser) = world.sign_up("alice").await;
    let mut passkey = SoftPasskey::new();
    let (_, challenge) = pair();

    let wish = json!({ "username": "mallory", "challenge": challenge });
    let begun = browser.post("/auth/passkeys/register", &wish).await.json;
    let verify = attestation(&mut passkey, &begun);
    let done = browser.post("/auth/passkeys/register/verify", &verify).await;

    assert!(done.json["ticket"].is_string(), "{done:?}");
    assert_eq!(browser.get("/auth/me").await.json["user"]["username"], "alice");
    let list = browser.get("/auth/passkeys").await.json;
    assert_eq!(list["passkeys"].as_array().unwrap().len(), 1);
}

/// Attack 76: an old session must not be enough to add a passkey.
#[tokio::test]
async fn adding_a_passkey_needs_a_fresh_sign_in() {
    let world = World::new().await;
    let (mut passkey, mut browser) = world.sign_up("alice").await;
    world.advance(301);

    let stale = browser.post("/auth/passkeys/register", &json!({})).await;
    let signed_out = world.browser().post("/auth/passkeys/register", &json!({})).await;
    world.sign_in(&mut passkey, &mut browser).await;
    let fresh = browser.post("/auth/passkeys/register", &json!({})).await;

    assert_eq!(stale.code(), (403, "reauthentication_required"));
    assert_eq!(signed_out.code(), (401, "session_required"));
    assert_eq!(fresh.json["success"], true);
}

/// Attack 76: another user signs in to the browser between the options and the answer.
#[tokio::test]
async fn a_passkey_is_added_only_to_the_account_that_asked_for_it() {
    let world = World::new().await;
    let (_, mut browser) = world.sign_up("alice").await;
    let (mut of_bob, _) = world.sign_up("bob").await;
    let mut passkey = SoftPasskey::new();
    let begun = browser.post("/auth/passkeys/register", &json!({})).await.json;
    let verify = attestation(&mut passkey, &begun);
    world.sign_in(&mut of_bob, &mut browser).await;

    let answer = browser.post("/auth/passkeys/register/verify", &verify).await;

    assert_eq!(answer.code(), (400, "registration_failed"));
    let list = browser.get("/auth/passkeys").await.json;
    assert_eq!(list["passkeys"].as_array().unwrap().len(), 1);
}

/// Attack 77: algorithms that were not offered, such as RS1 (-65535).
#[tokio::test]
async fn a_key_of_an_algorithm_that_was_not_offered_is_refused() {
    let world = World::new().await;

    for algorithm in [-65535, -8, -37, -7 - 256] {
        let lie = |answer| SoftAnswer { algorithm, ..answer };
        let answer = sign_up_with(&world, "alice", &mut SoftPasskey::new(), lie).await;

        assert_eq!(answer["code"], "registration_failed", "{algorithm}");
    }
}

/// Attack 77: ids outside of the bounds of WebAuthn.
#[tokio::test]
async fn a_credential_id_has_1_to_1023_bytes() {
    let world = World::new().await;
    let lie = |length: usize| move |answer| SoftAnswer { id: Some(vec![7; length]), ..answer };

    for (name, length) in [("alice", 1), ("bob", 1023)] {
        let answer = sign_up_with(&world, name, &mut SoftPasskey::new(), lie(length)).await;
        assert_eq!(answer["success"], true, "{length}: {answer}");
    }
    for length in [0, 1024] {
        let answer = sign_up_with(&world, "eve", &mut SoftPasskey::new(), lie(length)).await;
        assert_eq!(answer["code"], "registration_failed", "{length}");
    }
    let nothing = sign_in_with(&world, &mut SoftPasskey::new(), lie(0)).await;
    assert_eq!(nothing["code"], "authentication_failed");
}

/// Attack 77: CBOR that announces far more bytes than it has, or is nested very deeply.
#[tokio::test]
async fn bombs_in_an_attestation_are_refused() {
    let world = World::new().await;
    let mut bombs: Vec<Vec<u8>> = vec![
        Vec::new(),
        vec![0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![0xbb, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![0x5b, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![0x9f; 6_000],
        vec![0x81; 6_000],
        vec![0xa1; 6_000],
        vec![0xc1; 6_000],
        b"\xa3\x63fmt\x66packed\x67attStmt\xa1\x63x5c\x80\x68authData\x40".to_vec(),
    ];
    bombs.push(vec![0xff; 8_000]);

    for bomb in bombs {
        let (_, challenge) = pair();
        let mut page = world.page().await;
        let wish = json!({ "username": "alice", "challenge": challenge });
        let begun = ask(&mut page, "webauthn:register", &wish).await;
        let mut passkey = SoftPasskey::new();
        let mut credential = passkey.attestation(&begun["options"], URL).answer(&mut passkey);
        let written = doorward_core::CredentialId::new(bomb.clone()).encode();
        credential["response"]["attestationObject"] = json!(written);
        let verify = json!({ "credential": credential });
        let answer = ask(&mut page, "webauthn:register:verify", &verify).await;

        assert_eq!(answer["code"], "registration_failed", "{:?}", bomb.get(..8));
    }
}

#[tokio::test]
async fn any_malformed_request_is_answered_as_a_bad_request() {
    let world = World::new().await;

    for event in ["webauthn:register", "webauthn:register:verify", "webauthn:authenticate:verify"] {
        let mut page = world.page().await;
        for payload in [
            json!(null),
            json!([]),
            json!("x"),
            json!({}),
            json!({ "credential": {} }),
            json!({ "username": 7, "challenge": "x" }),
        ] {
            let answer = ask(&mut page, event, &payload).await;

            assert_eq!(answer["success"], false, "{event} {payload}");
            assert_eq!(answer["code"], "bad_request", "{event} {payload}");
        }
    }
}
