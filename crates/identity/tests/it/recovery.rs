//! Signs users in with recovery codes, without a passkey.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use doorward_core::{
    AccountStore as _, Audit, AuditRecord, BoxFuture, Decision, RefusalReason, SessionStore as _,
};
use doorward_sql::SqlStore;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    order::recorded_world,
    world::{Answer, Browser, World, pair},
};

async fn make_codes(browser: &mut Browser) -> Vec<String> {
    let answer = browser.post("/auth/recovery-codes", &json!({})).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let codes = answer.json["codes"].as_array().unwrap();
    codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

async fn recover(world: &World, name: &str, code: &str) -> (Browser, Value) {
    let mut browser = world.browser();
    let (verifier, challenge) = pair();
    let body = json!({ "username": name, "code": code, "challenge": challenge });
    let answer = browser.post("/auth/recovery", &body).await;
    if answer.status == StatusCode::OK {
        browser.exchange(&answer.json, &verifier).await;
    }
    (browser, answer.json)
}

#[tokio::test]
async fn each_of_ten_codes_is_accepted_once() {
    let world = World::new().await;
    let (_, mut browser) = world.sign_up("alice").await;
    let codes = make_codes(&mut browser).await;
    assert_eq!(codes.len(), 10);

    // A code may be written in upper case and with spaces.
    let (mut back, _) = recover(&world, "ALICE", &codes[3].to_uppercase().replace('-', " ")).await;
    let (_, again) = recover(&world, "alice", &codes[3]).await;

    assert_eq!(back.get("/auth/me").await.json["user"]["username"], "alice");
    assert_eq!(again["code"], "authentication_failed");
    assert_eq!(back.get("/auth/passkeys").await.json["recoveryCodes"], 9);
    assert!(
        world.audit.outcomes().contains(&Decision::Refused(RefusalReason::RecoveryCodeInvalid))
    );
    // A recovery counts as a fresh sign-in, so that the user can add a passkey at once.
    assert_eq!(back.post("/auth/passkeys/register", &json!({})).await.json["success"], true);
}

/// If failed attempts used codes up, ten attempts on a full disk would lock the user out
/// permanently.
#[tokio::test]
async fn a_code_stays_valid_when_the_store_is_full() {
    let (world, recorded) = recorded_world().await;
    let (_, mut browser) = world.sign_up("alice").await;
    let codes = make_codes(&mut browser).await;
    let me = browser.get("/auth/me").await.json["user"]["id"].as_str().unwrap().into();

    for method in ["create", "put_ticket", "take_recovery_code"] {
        recorded.fill(Some(method));
        let (_, answer) = recover(&world, "alice", &codes[0]).await;
        assert_eq!(answer["code"], "storage_full", "{method}");
        assert_eq!(world.store.recovery_codes(&me).await.unwrap().hashes.len(), 10, "{method}");
        assert_eq!(world.store.of_user(&me).await.unwrap().len(), 1, "{method}");
    }

    recorded.fill(None);
    assert_eq!(recover(&world, "alice", &codes[0]).await.1["success"], true);
}

/// Another client uses the code after it was checked and before the session exists.
#[tokio::test]
async fn a_code_used_by_a_faster_client_makes_no_session() {
    let folder = tempfile::TempDir::new().unwrap();
    let store = Arc::new(SqlStore::open(folder.path().join("doorward.db")).await.unwrap());
    let (rival, part) = (Arc::clone(&store), Arc::clone(&store));
    let world = World::on(folder, &store, (part.clone(), part.clone(), part), |builder| {
        builder.on_sign_in(move |who| {
            let store = Arc::clone(&rival);
            async move {
                for hash in store.recovery_codes(&who.account.id).await.unwrap().hashes {
                    assert!(store.take_recovery_code(&who.account.id, &hash).await.unwrap());
                }
                Ok(doorward::session::SessionData::default())
            }
        })
    })
    .await;
    let (_, mut browser) = world.sign_up("alice").await;
    let codes = make_codes(&mut browser).await;
    let me = browser.get("/auth/me").await.json["user"]["id"].as_str().unwrap().into();

    let (_, answer) = recover(&world, "alice", &codes[0]).await;

    assert_eq!(answer["code"], "authentication_failed");
    assert_eq!(store.of_user(&me).await.unwrap().len(), 1);
}

/// Audit sink that has no room, or that never confirms that its records are stored.
#[derive(Clone, Default)]
struct HeldUp {
    has_no_room: Arc<AtomicBool>,
    stands_still: Arc<AtomicBool>,
    asked: Arc<Notify>,
}

impl Audit for HeldUp {
    fn record(&self, _: &AuditRecord<'_>) {}

    fn has_room(&self) -> bool {
        !self.has_no_room.load(Ordering::Relaxed)
    }

    fn kept_first(&self) -> Option<BoxFuture<'_, bool>> {
        let stands_still = self.stands_still.load(Ordering::Relaxed);
        self.asked.notify_one();
        Some(Box::pin(async move {
            if stands_still {
                std::future::pending::<()>().await;
            }
            true
        }))
    }
}

#[tokio::test]
async fn a_code_stays_valid_when_its_use_cannot_be_recorded() {
    let audit = HeldUp::default();
    let world = World::with(|builder| builder.audit(Arc::new(audit.clone()))).await;
    let (_, mut browser) = world.sign_up("alice").await;
    let codes = make_codes(&mut browser).await;

    audit.has_no_room.store(true, Ordering::Relaxed);
    let (_, no_room) = recover(&world, "alice", &codes[0]).await;
    audit.has_no_room.store(false, Ordering::Relaxed);
    audit.stands_still.store(true, Ordering::Relaxed);
    // Removes the notification of earlier records.
    audit.asked.notified().await;
    let moving = async {
        audit.asked.notified().await;
        loop {
            world.advance(1);
            tokio::task::yield_now().await;
        }
    };
    let late = tokio::select! {
        (_, late) = recover(&world, "alice", &codes[0]) => late,
        () = moving => unreachable!(),
    };
    audit.stands_still.store(false, Ordering::Relaxed);

    assert_eq!([&no_room["code"], &late["code"]], ["unavailable", "unavailable"]);
    assert_eq!(recover(&world, "alice", &codes[0]).await.1["success"], true);
}

#[tokio::test]
async fn new_codes_replace_the_old_ones() {
    let world = World::new().await;
    let (_, mut browser) = world.sign_up("alice").await;
    let old = make_codes(&mut browser).await;
    let new = make_codes(&mut browser).await;

    let (_, with_old) = recover(&world, "alice", &old[0]).await;
    let (_, with_new) = recover(&world, "alice", &new[0]).await;

    assert_eq!(with_old["code"], "authentication_failed");
    assert_eq!(with_new["success"], true);
}

#[tokio::test]
async fn codes_are_shown_once_after_a_fresh_sign_in_and_stored_as_hashes() {
    let world = World::new().await;
    let (_, mut browser) = world.sign_up("alice").await;
    let codes = make_codes(&mut browser).await;
    let id = browser.get("/auth/me").await.json["user"]["id"].as_str().unwrap().into();
    let kept = world.store.recovery_codes(&id).await.unwrap();

    world.advance(301);
    let stale = browser.post("/auth/recovery-codes", &json!({})).await;

    assert_eq!(stale.code(), (403, "reauthentication_required"));
    assert_eq!(kept.hashes.len(), 10);
    let plain: Vec<_> = codes.iter().map(|code| code.replace('-', "")).collect();
    assert!(plain.iter().all(|code| code.len() == 16));
}

/// Attack 78: a user without passkeys and codes could never sign in again.
#[tokio::test]
async fn the_last_passkey_can_be_removed_only_with_recovery_codes() {
    let world = World::new().await;
    let (passkey, mut browser) = world.sign_up("alice").await;
    let path = format!("/auth/passkeys/{}", doorward_core::CredentialId::new(passkey.id).encode());

    let refused = browser.delete(&path).await;
    let codes = make_codes(&mut browser).await;
    let removed = browser.delete(&path).await;

    assert_eq!(refused.code(), (409, "last_passkey"));
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    let (mut back, _) = recover(&world, "alice", &codes[0]).await;
    assert_eq!(back.get("/auth/passkeys").await.json["passkeys"], json!([]));
}

/// Attack 102: an unknown name, a wrong code and a text that cannot be a code.
#[tokio::test]
async fn a_wrong_name_and_a_wrong_code_read_alike() {
    let world = World::new().await;
    let (_, mut browser) = world.sign_up("alice").await;
    make_codes(&mut browser).await;

    let (_, wrong) = recover(&world, "alice", "0000-0000-0000-0000").await;
    let (_, unknown) = recover(&world, "unknown", "0000-0000-0000-0000").await;
    let (_, nothing) = recover(&world, "alice", "?").await;

    assert_eq!(wrong["code"], "authentication_failed");
    assert_eq!(wrong, unknown);
    assert_eq!(wrong, nothing);
}

/// Signs in with a code from another address.
async fn recover_elsewhere(world: &World, name: &str, code: &str) -> Answer {
    let mut elsewhere = world.browser();
    elsewhere.peer = ([198, 51, 100, 1], 1).into();
    let (_, challenge) = pair();
    let body = json!({ "username": name, "code": code, "challenge": challenge });
    elsewhere.post("/auth/recovery", &body).await
}

#[tokio::test]
async fn guesses_from_one_address_do_not_delay_the_owner_at_another() {
    let world = World::new().await;
    let (_, mut browser) = world.sign_up("alice").await;
    let codes = make_codes(&mut browser).await;
    let guess = "0000-0000-0000-0000";
    for _ in 0..10 {
        assert_eq!(recover(&world, "alice", guess).await.1["code"], "authentication_failed");
    }

    let mut stranger = world.browser();
    let (_, challenge) = pair();
    let body = json!({ "username": "alice", "code": guess, "challenge": challenge });
    let refused = stranger.post("/auth/recovery", &body).await;
    let owner = recover_elsewhere(&world, "alice", &codes[0]).await;

    assert_eq!(refused.code(), (429, "too_many_attempts"));
    assert_eq!(refused.headers["retry-after"], "6");
    assert_eq!(refused.json["retryAfter"], 6);
    assert_eq!(owner.json["success"], true, "{owner:?}");
    world.advance(6);
    assert_eq!(recover(&world, "alice", guess).await.1["code"], "authentication_failed");
}

#[tokio::test]
async fn a_user_who_keeps_making_codes_has_to_wait_and_others_do_not() {
    let world = World::new().await;
    let (_, mut alice) = world.sign_up("alice").await;
    let (_, mut bob) = world.sign_up("bob").await;
    for _ in 0..6 {
        make_codes(&mut alice).await;
    }

    let refused = alice.post("/auth/recovery-codes", &json!({})).await;

    assert_eq!(refused.code(), (429, "too_many_attempts"));
    assert_eq!(refused.headers["retry-after"], "10");
    make_codes(&mut bob).await;
}

#[tokio::test]
async fn a_valid_code_is_served_in_turn_while_others_guess_and_make_codes() {
    let world = World::new().await;
    let (_, mut owner) = world.sign_up("alice").await;
    let (_, maker) = world.sign_up("bob").await;
    let codes = make_codes(&mut owner).await;
    let mut others = tokio::task::JoinSet::new();
    for number in 0..20 {
        let (_, challenge) = pair();
        let guess = json!({ "username": "alice", "code": "0", "challenge": challenge });
        let mut stranger = world.browser();
        stranger.peer = ([198, 51, 100, number + 2], 1).into();
        others.spawn(async move { stranger.post("/auth/recovery", &guess).await });
    }
    for _ in 0..5 {
        let mut maker = maker.clone();
        others.spawn(async move { maker.post("/auth/recovery-codes", &json!({})).await });
    }
    // Once the first request is answered, the queue for hashing is in use.
    others.join_next().await;

    let answer = recover_elsewhere(&world, "alice", &codes[0]).await;

    assert_eq!(answer.json["success"], true, "{answer:?}");
    while let Some(other) = others.join_next().await {
        assert_ne!(other.unwrap().status, StatusCode::SERVICE_UNAVAILABLE);
    }
}
