//! Disables, enables, removes and lists accounts, as operators do.

use std::sync::{Arc, Mutex};

use doorward::test::TestEnd;
use doorward_core::{
    AccountStore as _, Decision, RefusalReason, RevocationStore as _, SessionStore as _,
};
use doorward_identity::{AccountError, SignInMethod};
use doorward_sql::SqlStore;
use http::StatusCode;
use serde_json::json;

use crate::world::{World, ask, assertion, pair};

#[tokio::test]
async fn a_disabled_account_loses_its_sessions_and_sockets_and_refuses_sign_ins() {
    let world = World::new().await;
    let (mut passkey, mut browser) = world.sign_up("alice").await;
    let mut socket = world.connect(&browser).await;
    let accounts = world.identity.accounts(world.server.doorward().principals());
    let account = accounts.named("ALICE").await.unwrap().unwrap();

    let revocation = accounts.disable(&account.id).await.unwrap().unwrap();

    assert_eq!(revocation.closed, 1);
    assert_eq!(socket.ended().await, TestEnd::Final);
    assert_eq!(browser.get("/auth/me").await.code(), (401, "session_required"));
    let (_, challenge) = pair();
    let mut page = world.page().await;
    let begun = ask(&mut page, "webauthn:authenticate", &json!({ "challenge": challenge })).await;
    let verify = assertion(&mut passkey, &begun);
    let refused = ask(&mut page, "webauthn:authenticate:verify", &verify).await;
    assert_eq!(refused["code"], "authentication_failed");
    let last = world.audit.outcomes().pop();
    assert_eq!(last, Some(Decision::Refused(RefusalReason::AccountDisabled)));

    assert!(accounts.enable(&account.id).await.unwrap());
    world.sign_in(&mut passkey, &mut browser).await;
    assert_eq!(browser.get("/auth/me").await.status, StatusCode::OK);
}

/// Attack 87, for a sign-in: the account is disabled after the passkey was verified and before the
/// session exists.
#[tokio::test]
async fn an_account_disabled_during_a_sign_in_has_no_session() {
    let folder = tempfile::TempDir::new().unwrap();
    let store = Arc::new(SqlStore::open(folder.path().join("doorward.db")).await.unwrap());
    let (own, part) = (Arc::clone(&store), Arc::clone(&store));
    let world = World::on(folder, &store, (part.clone(), part.clone(), part), |builder| {
        builder.on_sign_in(move |who| {
            let store = Arc::clone(&own);
            async move {
                let now = || who.account.created_at;
                if who.method == SignInMethod::Passkey {
                    // The calls are those of an operator's command, which disables the account and
                    // then revokes its user.
                    store.set_disabled(&who.account.id, Some(now())).await.unwrap();
                    store.bump(&who.account.id, now()).await.unwrap();
                }
                Ok(doorward::session::SessionData::default())
            }
        })
    })
    .await;
    let (mut passkey, mut browser) = world.sign_up("alice").await;
    browser.delete("/auth/session").await;
    let (_, challenge) = pair();
    let mut page = world.page().await;
    let begun = ask(&mut page, "webauthn:authenticate", &json!({ "challenge": challenge })).await;
    let verify = assertion(&mut passkey, &begun);

    let answer = ask(&mut page, "webauthn:authenticate:verify", &verify).await;

    assert_eq!(answer["code"], "authentication_failed");
    let account = store.account_named("alice").await.unwrap().unwrap();
    assert!(store.of_user(&account.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_removed_account_leaves_nothing_and_its_name_is_free() {
    let world = World::new().await;
    let (mut passkey, mut browser) = world.sign_up("alice").await;
    let mut socket = world.connect(&browser).await;
    // Removing an account needs a sign-in within the last five minutes.
    world.advance(301);

    let stale = browser.delete("/auth/account").await;
    world.sign_in(&mut passkey, &mut browser).await;
    let removed = browser.delete("/auth/account").await;

    assert_eq!(stale.code(), (403, "reauthentication_required"));
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert_eq!(socket.ended().await, TestEnd::Final);
    assert_eq!(browser.session_cookie(), None);
    let (_, mut new) = world.sign_up("Alice").await;
    let list = new.get("/auth/passkeys").await.json;
    assert_eq!(list["passkeys"].as_array().unwrap().len(), 1);
    assert!(world.audit.outcomes().contains(&Decision::AccountRemoved));
}

/// The hook runs after the sessions have ended and before the account is deleted. If it fails, the
/// account stays disabled and the removal can be repeated.
#[tokio::test]
async fn an_account_is_removed_only_after_the_application_has_forgotten_it() {
    let folder = tempfile::TempDir::new().unwrap();
    let store = Arc::new(SqlStore::open(folder.path().join("doorward.db")).await.unwrap());
    let (own, part) = (Arc::clone(&store), Arc::clone(&store));
    let asked: Arc<Mutex<Vec<bool>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let world = World::on(folder, &store, (part.clone(), part.clone(), part), |builder| {
        builder.on_account_removed(move |user| {
            let (store, seen) = (Arc::clone(&own), Arc::clone(&seen));
            async move {
                let is_disabled = store.account(&user).await?.unwrap().disabled_at.is_some();
                let has_sessions = !store.of_user(&user).await?.is_empty();
                let mut seen = seen.lock().unwrap();
                seen.push(is_disabled && !has_sessions);
                // The first call fails.
                if seen.len() == 1 { Err("the disk is full".into()) } else { Ok(()) }
            }
        })
    })
    .await;
    world.sign_up("alice").await;
    let accounts = world.identity.accounts(world.server.doorward().principals());
    let id = accounts.named("alice").await.unwrap().unwrap().id;

    let failed = accounts.remove(&id).await.unwrap_err();
    let left = accounts.named("alice").await.unwrap();
    let removed = accounts.remove(&id).await.unwrap();

    assert!(matches!(failed, AccountError::Application(_)), "{failed}");
    assert!(left.is_some_and(|account| account.disabled_at.is_some()));
    assert!(removed.is_some() && accounts.named("alice").await.unwrap().is_none());
    assert_eq!(*asked.lock().unwrap(), [true, true]);
}

#[tokio::test]
async fn accounts_are_listed_by_name() {
    let world = World::new().await;
    for name in ["carol", "Alice", "bob"] {
        world.sign_up(name).await;
    }
    let accounts = world.identity.accounts(world.server.doorward().principals());

    let names = |found: Vec<doorward_core::Account>| {
        found.into_iter().map(|one| one.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(accounts.list(None, 2).await.unwrap()), ["Alice", "bob"]);
    assert_eq!(names(accounts.list(Some("BOB"), 2).await.unwrap()), ["carol"]);
    assert!(accounts.named("unknown").await.unwrap().is_none());
    assert!(accounts.disable(&"unknown".into()).await.unwrap().is_none());
}
