//! Checks the order of writes to the stores. All writes come before the answer to the client.

use std::sync::Arc;

use doorward_sql::SqlStore;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    recorded::Recorded,
    world::{World, ask, attestation, pair},
};

/// Starts a service whose stores record their calls.
pub(crate) async fn recorded_world() -> (World, Recorded) {
    let folder = TempDir::new().unwrap();
    let store = Arc::new(SqlStore::open(folder.path().join("doorward.db")).await.unwrap());
    let recorded = Recorded::new(Arc::clone(&store));
    let part = Arc::new(recorded.clone());
    let parts = (part.clone() as _, part.clone() as _, part as _);
    (World::on(folder, &store, parts, |builder| builder).await, recorded)
}

/// The expected order is that of the sequence diagram in docs/identity.md.
#[tokio::test]
async fn session_ticket_and_account_are_stored_in_this_order_before_the_client_is_answered() {
    let (world, recorded) = recorded_world().await;
    let mut passkey = doorward_testkit::SoftPasskey::new();
    let (verifier, challenge) = pair();
    let mut page = world.page().await;
    let wish = json!({ "username": "alice", "challenge": challenge });
    let begun = ask(&mut page, "webauthn:register", &wish).await;
    let verify = attestation(&mut passkey, &begun);
    recorded.take();

    let done = ask(&mut page, "webauthn:register:verify", &verify).await;

    // All writes are done when the ack arrives.
    let stored = ["account_named", "create", "of_user", "put_ticket", "create_account"];
    assert_eq!(recorded.take(), stored);
    world.browser().exchange(&done, &verifier).await;
    assert_eq!(recorded.take(), ["take_ticket", "get", "rotate"]);
}
