//! Signs up, signs in and manages passkeys with honest clients.

use std::sync::Arc;

use doorward::test::TestClient;
use doorward_core::{AccountStore, Decision, SessionStore, TicketStore};
use doorward_identity::shown_name;
use doorward_testkit::{BACKED_UP, BACKUP_ELIGIBLE, SoftAnswer, SoftPasskey};
use http::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    order::recorded_world,
    world::{URL, World, ask, assertion, attestation, pair},
};

#[tokio::test]
async fn a_user_signs_up_over_a_socket_and_is_signed_in_by_the_ticket() {
    let world = World::new().await;

    let (_, mut browser) = world.sign_up("Alice").await;
    let me = browser.get("/auth/me").await;

    assert_eq!(me.status, StatusCode::OK);
    assert_eq!(me.json["user"]["username"], "Alice");
    assert_eq!(me.json["user"]["displayName"], "Alice");
    assert_ne!(me.json["user"]["id"], "Alice");
    let mut socket = world.connect(&browser).await;
    assert_eq!(socket.emit_with_ack::<String>("echo", "hello").await, "hello");
    let outcomes = world.audit.outcomes();
    assert!(outcomes.contains(&Decision::SignedUp) && outcomes.contains(&Decision::SignedIn));
}

/// A user who receives an error must not have an account, which would block the name.
#[tokio::test]
async fn no_account_is_created_when_the_store_is_full() {
    let (world, recorded) = recorded_world().await;
    for method in ["create", "put_ticket", "create_account"] {
        let mut passkey = SoftPasskey::new();
        let (_, challenge) = pair();
        let mut page = world.page().await;
        let wish = json!({ "username": "alice", "challenge": challenge });
        let begun = ask(&mut page, "webauthn:register", &wish).await;
        let verify = attestation(&mut passkey, &begun);

        recorded.fill(Some(method));
        let answer = ask(&mut page, "webauthn:register:verify", &verify).await;
        recorded.fill(None);

        assert_eq!(answer["code"], "storage_full", "{method}");
        assert_eq!(world.store.account_named("alice").await.unwrap(), None, "{method}");
    }

    world.sign_up("alice").await;
}

#[tokio::test]
async fn a_user_signs_in_without_a_user_name() {
    let world = World::new().await;
    let (mut passkey, mut first) = world.sign_up("alice").await;
    let mut second = world.browser();

    world.sign_in(&mut passkey, &mut second).await;

    let ids = [first.get("/auth/me").await, second.get("/auth/me").await]
        .map(|me| me.json["user"]["id"].clone());
    assert_eq!(ids[0], ids[1]);
    assert_ne!(first.session_cookie(), second.session_cookie());
    let used = second.get("/auth/passkeys").await.json["passkeys"][0]["lastUsedAt"].clone();
    assert!(used.is_string(), "{used}");
}

#[tokio::test]
async fn a_user_signs_in_with_a_user_name_in_any_spelling() {
    let world = World::new().await;
    let (mut passkey, _) = world.sign_up("Élodie").await;
    let (verifier, challenge) = pair();
    let mut page = world.page().await;

    // The accent is a combining character, and the other letters are in upper case.
    let wish = json!({ "username": "e\u{301}LODIE", "challenge": challenge });
    let begun = ask(&mut page, "webauthn:authenticate", &wish).await;
    let verify = assertion(&mut passkey, &begun);
    let done = ask(&mut page, "webauthn:authenticate:verify", &verify).await;

    let allowed = begun["options"]["allowCredentials"].as_array().unwrap();
    assert_eq!(allowed.len(), 1);
    assert_eq!(allowed[0]["id"], verify["credential"]["id"]);
    let mut browser = world.browser();
    browser.exchange(&done, &verifier).await;
    assert_eq!(browser.get("/auth/me").await.json["user"]["username"], "Élodie");
}

#[tokio::test]
async fn the_same_ceremonies_work_over_http() {
    let world = World::new().await;
    let (mut passkey, mut browser) = (SoftPasskey::new(), world.browser());

    let (verifier, challenge) = pair();
    let wish = json!({ "username": "alice", "displayName": "Alice L.", "challenge": challenge });
    let begun = browser.post("/auth/passkeys/register", &wish).await.json;
    let verify = attestation(&mut passkey, &begun);
    let done = browser.post("/auth/passkeys/register/verify", &verify).await;
    browser.exchange(&done.json, &verifier).await;
    assert_eq!(browser.get("/auth/me").await.json["user"]["displayName"], "Alice L.");

    let (verifier, challenge) = pair();
    let mut other = world.browser();
    let wish = json!({ "challenge": challenge });
    let begun = other.post("/auth/passkeys/authenticate", &wish).await.json;
    let verify = assertion(&mut passkey, &begun);
    let done = other.post("/auth/passkeys/authenticate/verify", &verify).await;
    other.exchange(&done.json, &verifier).await;
    assert_eq!(other.get("/auth/me").await.json["user"]["username"], "alice");
}

#[tokio::test]
async fn options_require_a_discoverable_passkey_and_user_verification() {
    let world = World::new().await;
    let (_, challenge) = pair();
    let mut page = world.page().await;

    let wish = json!({ "username": "alice", "displayName": "Alice", "challenge": challenge });
    let new = ask(&mut page, "webauthn:register", &wish).await["options"].clone();
    let known = ask(&mut page, "webauthn:authenticate", &json!({ "challenge": challenge })).await
        ["options"]
        .clone();

    let wanted = &new["authenticatorSelection"];
    assert_eq!(wanted["residentKey"], "required");
    assert_eq!(wanted["requireResidentKey"], true);
    assert_eq!(wanted["userVerification"], "required");
    assert_eq!(new["attestation"], "none");
    assert_eq!(new["rp"], json!({ "id": "localhost", "name": "Doorward" }));
    assert_eq!(
        (&new["user"]["name"], &new["user"]["displayName"]),
        (&json!("alice"), &json!("Alice"))
    );
    assert_eq!(new["timeout"], 300_000);
    assert_eq!(known["userVerification"], "required");
    assert_eq!(known["allowCredentials"], json!([]));
    assert_eq!(known["rpId"], "localhost");
    assert_ne!(known["challenge"], new["challenge"]);
}

#[tokio::test]
async fn without_an_ack_answers_are_events() {
    let world = World::new().await;
    let (_, challenge) = pair();
    let mut page = world.page().await;

    page.emit("webauthn:authenticate", json!({ "challenge": challenge })).await;
    let begun: Value = page.expect_event("webauthn:authenticate:response").await;
    page.emit("webauthn:authenticate:verify", json!({ "credential": 7 })).await;
    let failed: Value = page.expect_event("webauthn:authenticate:response").await;
    page.emit("webauthn:register", json!({ "username": "no good name", "challenge": challenge }))
        .await;
    let refused: Value = page.expect_event("webauthn:register:response").await;

    assert_eq!(begun["success"], true);
    assert_eq!(
        failed,
        json!({ "success": false, "code": "bad_request", "message": "Bad request" })
    );
    assert_eq!(refused["code"], "invalid_username");
}

#[tokio::test]
async fn with_expose_token_programs_receive_a_session_token() {
    let world = World::with(|builder| builder.expose_token(true)).await;
    let mut passkey = SoftPasskey::new();
    let mut program = world.server.connect("/auth", ()).await;
    let mut page = world.page().await;

    let begun = ask(&mut program, "webauthn:register", &json!({ "username": "alice" })).await;
    let verify = attestation(&mut passkey, &begun);
    let done = ask(&mut program, "webauthn:register:verify", &verify).await;
    let in_a_page = ask(&mut page, "webauthn:authenticate", &json!({})).await;

    let token: doorward::session::SessionToken =
        done["sessionToken"].as_str().unwrap().parse().unwrap();
    assert_eq!(done.as_object().unwrap().len(), 3, "{done}");
    assert!(world.store.find(&token.key()).await.unwrap().is_some());
    assert_eq!(in_a_page["code"], "bad_request");
}

#[tokio::test]
async fn with_a_closed_sign_up_only_users_of_existing_accounts_sign_in() {
    let open = World::new().await;
    let (mut passkey, _) = open.sign_up("alice").await;
    let store = &open.store;
    let parts: (Arc<dyn AccountStore>, Arc<dyn SessionStore>, Arc<dyn TicketStore>) =
        (store.clone(), store.clone(), store.clone());
    let closed =
        World::on(TempDir::new().unwrap(), store, parts, |builder| builder.sign_up(false)).await;

    let wish = json!({ "username": "bob", "challenge": pair().1 });
    let over_a_socket = ask(&mut closed.page().await, "webauthn:register", &wish).await;
    let over_http = closed.browser().post("/auth/passkeys/register", &wish).await;

    assert_eq!(over_a_socket["code"], "sign_up_closed");
    assert_eq!(over_http.code(), (403, "sign_up_closed"));
    let mut browser = closed.browser();
    closed.sign_in(&mut passkey, &mut browser).await;
    closed.connect(&browser).await;
    // A user who is signed in still adds passkeys.
    let adding = browser.post("/auth/passkeys/register", &json!({})).await;
    assert_eq!(adding.status, StatusCode::OK, "{:?}", adding.json);
}

#[tokio::test]
async fn without_expose_token_every_client_needs_a_challenge() {
    let world = World::new().await;
    let mut program = world.server.connect("/auth", ()).await;

    for wish in [json!({}), json!({ "challenge": "short" }), json!({ "challenge": 7 }), json!(null)]
    {
        let answer = ask(&mut program, "webauthn:authenticate", &wish).await;

        assert_eq!(answer["code"], "bad_request", "{wish}");
    }
}

#[tokio::test]
async fn a_second_passkey_is_added_after_a_fresh_sign_in_and_excludes_known_authenticators() {
    let world = World::new().await;
    let (first, mut browser) = world.sign_up("alice").await;
    let mut second = SoftPasskey::new();

    let begun = browser.post("/auth/passkeys/register", &json!({})).await;
    let options = &begun.json["options"];
    let credential = second.attestation(options, URL).answer(&mut second);
    let verify = json!({ "credential": credential, "name": "Phone" });
    let added = browser.post("/auth/passkeys/register/verify", &verify).await;

    let excluded = options["excludeCredentials"].as_array().unwrap();
    assert_eq!(excluded.len(), 1);
    assert_eq!(excluded[0]["id"], doorward_core::CredentialId::new(first.id).encode());
    assert_eq!((added.status, &added.json["passkey"]["name"]), (StatusCode::OK, &json!("Phone")));
    let list = browser.get("/auth/passkeys").await.json;
    let names: Vec<_> =
        list["passkeys"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["Chrome on Linux", "Phone"]);
    let mut other = world.browser();
    world.sign_in(&mut second, &mut other).await;
    assert_eq!(other.get("/auth/me").await.json["user"]["username"], "alice");
}

#[tokio::test]
async fn the_list_of_passkeys_shows_which_are_synced() {
    let world = World::new().await;
    let (mut passkey, mut browser) = (SoftPasskey::new(), world.browser());
    let (verifier, challenge) = pair();
    let mut page = world.page().await;
    let wish = json!({ "username": "alice", "challenge": challenge });
    let begun = ask(&mut page, "webauthn:register", &wish).await;
    let honest = passkey.attestation(&begun["options"], URL);
    let flags = honest.flags | BACKUP_ELIGIBLE;
    let credential = SoftAnswer { flags, ..honest }.answer(&mut passkey);
    let done =
        ask(&mut page, "webauthn:register:verify", &json!({ "credential": credential })).await;
    browser.exchange(&done, &verifier).await;
    let before = browser.get("/auth/passkeys").await.json["passkeys"][0]["synced"].clone();

    let begun = ask(&mut page, "webauthn:authenticate", &json!({ "challenge": challenge })).await;
    let honest = passkey.assertion(&begun["options"], URL);
    let flags = honest.flags | BACKUP_ELIGIBLE | BACKED_UP;
    let credential = SoftAnswer { flags, ..honest }.answer(&mut passkey);
    let verify = json!({ "credential": credential });
    let done = ask(&mut page, "webauthn:authenticate:verify", &verify).await;

    assert_eq!(done["success"], true, "{done}");
    let after = browser.get("/auth/passkeys").await.json["passkeys"][0]["synced"].clone();
    assert_eq!((before, after), (json!(false), json!(true)));
}

#[tokio::test]
async fn passkeys_are_renamed_and_removed() {
    let world = World::new().await;
    let (_, mut browser) = world.sign_up("alice").await;
    let mut second = SoftPasskey::new();
    let begun = browser.post("/auth/passkeys/register", &json!({})).await;
    let verify = attestation(&mut second, &begun.json);
    browser.post("/auth/passkeys/register/verify", &verify).await;
    let path = format!("/auth/passkeys/{}", verify["credential"]["id"].as_str().unwrap());

    let renamed = browser.change(http::Method::PATCH, &path, Some(&json!({ "name": "Key" }))).await;
    let named = browser.get("/auth/passkeys").await.json["passkeys"][1]["name"].clone();
    let removed = browser.delete(&path).await;
    let again = browser.delete(&path).await;

    assert_eq!((renamed.status, named), (StatusCode::NO_CONTENT, json!("Key")));
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert_eq!(again.code(), (404, "not_found"));
    let mut other = world.browser();
    let (_, challenge) = pair();
    let begun =
        other.post("/auth/passkeys/authenticate", &json!({ "challenge": challenge })).await.json;
    let verify = assertion(&mut second, &begun);
    let refused = other.post("/auth/passkeys/authenticate/verify", &verify).await;
    assert_eq!(refused.code(), (401, "authentication_failed"));
}

/// Starts a sign-up, and returns the page and the server's answer.
async fn wish(world: &World, username: &str, display_name: &str) -> (TestClient, Value) {
    let (_, challenge) = pair();
    let mut page = world.page().await;
    let wish = json!({ "username": username, "displayName": display_name, "challenge": challenge });
    let begun = ask(&mut page, "webauthn:register", &wish).await;
    (page, begun)
}

#[tokio::test]
async fn a_display_name_is_never_the_user_name_of_another_account() {
    let world = World::new().await;
    world.sign_up("Émile").await;

    // The names differ in case, in compatibility forms, and in invisible or blank characters.
    for display_name in [
        "Émile",
        "émile",
        "E\u{301}MILE",
        " émile ",
        "ｅ\u{301}mile",
        "é\u{fe0f}mile",
        "émile\u{2800}",
        "\u{2800}émile",
        "ém\u{200a}ile",
        "ém\u{a0}ile",
        "émile\u{1d159}",
        "émile\u{16fe4}",
        "\u{2800}#ops",
    ] {
        let (_, begun) = wish(&world, "eve", display_name).await;
        assert_eq!(begun["code"], "invalid_display_name", "{display_name:?}");
    }
    for display_name in ["Eve", "Émile L.", "EVE"] {
        let (_, begun) = wish(&world, "eve", display_name).await;
        assert_eq!(begun["success"], true, "{display_name:?}");
    }

    // The name is checked again when the account is created.
    let (mut page, begun) = wish(&world, "eve", "Carol").await;
    world.sign_up("carol").await;
    let mut passkey = SoftPasskey::new();
    let verify = attestation(&mut passkey, &begun);
    let late = ask(&mut page, "webauthn:register:verify", &verify).await;
    assert_eq!(late["code"], "invalid_display_name");
}

/// The display name exists before the user name. It is shown until an account takes it as its user
/// name.
#[tokio::test]
async fn a_display_name_is_not_shown_once_an_account_has_it_as_user_name() {
    let world = World::new().await;
    let (mut page, begun) = wish(&world, "eve", "Dave").await;
    let mut passkey = SoftPasskey::new();
    let verify = attestation(&mut passkey, &begun);
    ask(&mut page, "webauthn:register:verify", &verify).await;
    let eve = world.store.account_named("eve").await.unwrap().unwrap();
    let shown = || async { shown_name(&*world.store, &eve).await.unwrap() };

    assert_eq!(&*shown().await, "Dave");
    world.sign_up("dave").await;

    assert_eq!(&*shown().await, "eve");
}
