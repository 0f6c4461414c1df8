//! Runs the sign-in hook of an application.

use doorward::session::SessionData;
use doorward_core::AccountStore as _;
use doorward_identity::{SignInError, SignInMethod};
use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{World, ask, attestation, pair};

#[tokio::test]
async fn data_of_the_hook_is_stored_with_the_session_and_not_shown_to_clients() {
    let canary = "upstream-canary";
    let world = World::with(|builder| {
        builder.on_sign_in(move |who| async move {
            assert_eq!((&*who.account.name, who.method), ("alice", SignInMethod::SignUp));
            let mut data = SessionData::default();
            data.0.insert("upstream".into(), canary.into());
            Ok(data)
        })
    })
    .await;

    let (_, mut browser) = world.sign_up("alice").await;

    let token: doorward::session::SessionToken = browser.session_cookie().unwrap().parse().unwrap();
    let session = doorward_core::SessionStore::find(&*world.store, &token.key()).await.unwrap();
    assert_eq!(session.unwrap().data.0["upstream"], canary);
    for path in ["/auth/me", "/auth/sessions", "/auth/passkeys"] {
        assert!(!browser.get(path).await.json.to_string().contains(canary), "{path}");
    }
}

#[tokio::test]
async fn a_hook_may_refuse_or_be_unavailable() {
    for (error, code) in [
        (|| SignInError::Refused, "forbidden"),
        (|| SignInError::Unavailable("it is away".into()), "unavailable"),
    ] as [(fn() -> SignInError, &str); 2]
    {
        let world =
            World::with(|builder| builder.on_sign_in(move |_| async move { Err(error()) })).await;
        let mut passkey = doorward_testkit::SoftPasskey::new();
        let (_, challenge) = pair();
        let mut page = world.page().await;
        let wish = json!({ "username": "alice", "challenge": challenge });
        let begun = ask(&mut page, "webauthn:register", &wish).await;
        let verify = attestation(&mut passkey, &begun);

        let answer: Value = ask(&mut page, "webauthn:register:verify", &verify).await;

        assert_eq!(answer["code"], code);
        let mut browser = world.browser();
        assert_eq!(browser.get("/auth/me").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(world.store.account_named("alice").await.unwrap(), None);
    }
}

#[tokio::test]
async fn data_of_the_hook_at_a_fresh_sign_in_replaces_the_stored_data() {
    let count = std::sync::atomic::AtomicU32::new(0);
    let world = World::with(|builder| {
        builder.on_sign_in(move |_| {
            let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let mut data = SessionData::default();
            data.0.insert("number".into(), number.into());
            async { Ok(data) }
        })
    })
    .await;
    let (mut passkey, mut browser) = world.sign_up("alice").await;

    world.sign_in(&mut passkey, &mut browser).await;

    let token: doorward::session::SessionToken = browser.session_cookie().unwrap().parse().unwrap();
    let session = doorward_core::SessionStore::find(&*world.store, &token.key()).await.unwrap();
    assert_eq!(session.unwrap().data.0["number"], 1);
}
