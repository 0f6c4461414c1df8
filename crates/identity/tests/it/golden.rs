//! Compares answers of the service with their golden files, with docs/wire.md, and with the types of the JavaScript
//! client.

use std::{fs, path::PathBuf};

use doorward_identity::SignInCode;
use doorward_testkit::SoftPasskey;
use serde_json::{Value, json};

use crate::world::{World, ask, attestation, pair};

fn project(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Replaces values that differ from run to run.
fn steady(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let changes = CHANGING.contains(&&**name) && value.is_string();
                (name.clone(), if changes { json!("..") } else { steady(value) })
            })
            .collect(),
        Value::Array(items) => items.iter().map(steady).collect(),
        other => other.clone(),
    }
}

/// Members whose texts differ from run to run.
const CHANGING: &[&str] = &[
    "challenge",
    "createdAt",
    "expiresAt",
    "id",
    "lastSeenAt",
    "lastUsedAt",
    "sessionToken",
    "signedInAt",
    "ticket",
    "token",
];

/// Compares a value with its golden file, and rewrites the file if `GOLDEN` is set.
#[track_caller]
fn check(name: &str, value: &Value) {
    let path = project(&format!("crates/identity/tests/golden/{name}.json"));
    let mut shown = serde_json::to_string_pretty(&steady(value)).unwrap();
    shown.push('\n');
    if std::env::var_os("GOLDEN").is_some() {
        fs::write(&path, &shown).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(shown, golden, "{}: see what has changed, and run with GOLDEN=1", path.display());
}

#[tokio::test]
async fn every_answer_has_its_golden_file() {
    let world = World::new().await;
    let (mut passkey, mut browser) = (SoftPasskey::new(), world.browser());
    let (verifier, challenge) = pair();
    let mut page = world.page().await;

    let wish = json!({ "username": "alice", "displayName": "Alice", "challenge": challenge });
    let begun = ask(&mut page, "webauthn:register", &wish).await;
    check("register", &begun);
    let verify = attestation(&mut passkey, &begun);
    let done = ask(&mut page, "webauthn:register:verify", &verify).await;
    check("signed-in", &done);
    browser.exchange(&done, &verifier).await;
    let wish = json!({ "username": "alice", "challenge": challenge });
    check("authenticate", &ask(&mut page, "webauthn:authenticate", &wish).await);
    check("failed", &ask(&mut page, "webauthn:register", &wish).await);

    check("me", &browser.get("/auth/me").await.json);
    check("token", &browser.post("/auth/token", &json!({})).await.json);
    check("passkeys", &browser.get("/auth/passkeys").await.json);
    check("sessions", &browser.get("/auth/sessions").await.json);
    let begun = browser.post("/auth/passkeys/register", &json!({})).await.json;
    let mut second = SoftPasskey::new();
    let verify = attestation(&mut second, &begun);
    let added = browser.post("/auth/passkeys/register/verify", &verify).await.json;
    check("passkey-added", &added);
    check("problem", &world.browser().get("/auth/me").await.json);
}

#[tokio::test]
async fn an_answer_with_a_session_token_has_its_golden_file() {
    let world = World::with(|builder| builder.expose_token(true)).await;
    let mut passkey = SoftPasskey::new();
    let mut program = world.server.connect("/auth", ()).await;
    let begun = ask(&mut program, "webauthn:register", &json!({ "username": "alice" })).await;
    let verify = attestation(&mut passkey, &begun);

    check("session-token", &ask(&mut program, "webauthn:register:verify", &verify).await);
}

#[test]
fn every_code_has_a_row_in_the_docs_and_a_type() {
    let docs = fs::read_to_string(project("docs/wire.md")).unwrap();
    let types = fs::read_to_string(project("clients/js/src/wire.d.ts")).unwrap();

    for code in SignInCode::ALL {
        let (name, message, status) = (code.as_str(), code.message(), code.status().as_u16());
        let row = format!("| `{name}` | {message} | {status} |");
        assert!(docs.contains(&row), "docs/wire.md has no row that begins with {row}");
        assert!(
            types.contains(&format!("  | \"{name}\"")),
            "clients/js/src/wire.d.ts has no {name}"
        );
    }
}
