//! Checks that neither answers nor their cost reveal which names and passkeys exist.

use doorward_core::CredentialId;
use doorward_testkit::SoftPasskey;
use serde_json::{Value, json};

use crate::{
    order::recorded_world,
    recorded::Recorded,
    world::{World, ask, assertion, pair},
};

/// Starts a sign-in with a name, and returns the answer and the calls to the stores.
async fn asked_for(world: &World, recorded: &Recorded, name: &str) -> (Value, Vec<&'static str>) {
    let (_, challenge) = pair();
    let mut page = world.page().await;
    recorded.take();
    let wish = json!({ "username": name, "challenge": challenge });
    let begun = ask(&mut page, "webauthn:authenticate", &wish).await;
    (begun, recorded.take())
}

/// Returns the shape of a value, which is its members and types without the texts.
fn form(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), form(value))).collect()
        }
        Value::Array(items) => items.first().map(form).into_iter().collect(),
        Value::String(_) => json!("text"),
        other => other.clone(),
    }
}

/// Attack 75: the options for an unknown name list made-up passkeys.
#[tokio::test]
async fn an_unknown_name_reads_and_costs_like_a_known_one() {
    let (world, recorded) = recorded_world().await;
    world.sign_up("alice").await;

    let (known, known_cost) = asked_for(&world, &recorded, "alice").await;
    let (unknown, unknown_cost) = asked_for(&world, &recorded, "unknown").await;
    let (again, _) = asked_for(&world, &recorded, "UNKNOWN").await;

    assert_eq!(form(&known), form(&unknown));
    assert_eq!(known_cost, unknown_cost);
    let ids = |begun: &Value| begun["options"]["allowCredentials"].clone();
    assert_eq!(ids(&unknown), ids(&again), "a made-up passkey must stay the same");
    assert_ne!(ids(&unknown), ids(&known));
}

/// Attack 75: both cases have the same answer after the same calls to the stores.
#[tokio::test]
async fn an_unknown_passkey_reads_and_costs_like_a_known_one_with_a_wrong_signature() {
    let (world, recorded) = recorded_world().await;
    let (known, _) = world.sign_up("alice").await;
    let (_, challenge) = pair();
    let mut costs = Vec::new();

    // The server has another key for the first id, and no key for the second id.
    for id in [known.id.clone(), vec![7; 32]] {
        let mut thief = SoftPasskey::new();
        thief.id = id;
        thief.user_handle = known.user_handle.clone();
        let mut page = world.page().await;
        let begun =
            ask(&mut page, "webauthn:authenticate", &json!({ "challenge": challenge })).await;
        let verify = assertion(&mut thief, &begun);
        recorded.take();
        let answer = ask(&mut page, "webauthn:authenticate:verify", &verify).await;
        costs.push((answer, recorded.take()));
    }

    assert_eq!(costs[0], costs[1]);
    assert_eq!(costs[0].0["code"], "authentication_failed");
}

/// Attack 75: a signature for a made-up passkey must not sign in.
#[tokio::test]
async fn a_made_up_passkey_opens_nothing() {
    let world = World::new().await;
    let (_, challenge) = pair();
    let mut page = world.page().await;
    let wish = json!({ "username": "unknown", "challenge": challenge });
    let begun = ask(&mut page, "webauthn:authenticate", &wish).await;
    let id = begun["options"]["allowCredentials"][0]["id"].as_str().unwrap();
    let mut thief = SoftPasskey::new();
    thief.id = CredentialId::decode(id).unwrap().as_bytes().to_vec();

    let verify = assertion(&mut thief, &begun);
    let answer = ask(&mut page, "webauthn:authenticate:verify", &verify).await;

    assert_eq!(answer["code"], "authentication_failed");
}

#[tokio::test]
async fn a_client_that_starts_too_many_ceremonies_has_to_wait() {
    let world = World::new().await;
    let mut browser = world.browser();
    let (_, challenge) = pair();
    let wish = json!({ "challenge": challenge });
    // 120 attempts are the budget of one address.
    for _ in 0..120 {
        let begun = browser.post("/auth/passkeys/authenticate", &wish).await;
        assert_eq!(begun.json["success"], true);
    }

    let too_often = browser.post("/auth/passkeys/authenticate", &wish).await;
    let mut elsewhere = world.browser();
    elsewhere.peer = ([198, 51, 100, 1], 1).into();

    assert_eq!(too_often.code(), (429, "too_many_attempts"));
    assert_eq!(too_often.headers["retry-after"], "1");
    let begun = elsewhere.post("/auth/passkeys/authenticate", &wish).await;
    assert_eq!(begun.json["success"], true);
}
