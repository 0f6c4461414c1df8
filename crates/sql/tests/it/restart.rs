//! Checks that acknowledged changes survive a restart and a kill, and that two stores on one file see the same data.

use std::fs;

use doorward_core::{
    CredentialRef, Issued, RevocationState, RevocationStore, SessionId, SessionStore, StoreError,
    Ticket, TicketRecord, TicketStore, TokenId, UserId,
};
use doorward_sql::SqlStore;

use crate::fixture::{Folder, Same, second, session, token};

fn record() -> TicketRecord {
    let session = SessionId::new("s-1");
    TicketRecord { session, challenge: [7; 32], expires_at: second(30) }
}

/// Writes an entry of each kind to a store.
async fn fill(store: &SqlStore) {
    store.create(&token(1).key(), &session("s-1", "alice")).await.unwrap();
    store.create(&token(2).key(), &session("s-2", "bob")).await.unwrap();
    store.put_ticket(&Ticket::generate(&Same(1)).key(), &record()).await.unwrap();
    store.bump(&UserId::new("bob"), second(5)).await.unwrap();
    store.end_session(&SessionId::new("s-3"), second(5)).await.unwrap();
    store.end_token(&TokenId::new("t-1"), second(5)).await.unwrap();
}

/// Asserts that a store has all entries that [`fill`] has written. Takes the ticket.
async fn assert_filled(store: &SqlStore) {
    let (alice, bob) = (UserId::new("alice"), UserId::new("bob"));
    let kept = session("s-1", "alice");
    assert_eq!(store.find(&token(1).key()).await.unwrap(), Some(kept.clone()));
    assert_eq!(store.of_user(&alice).await.unwrap(), [kept]);
    assert_eq!(store.find(&token(2).key()).await.unwrap(), None);
    let taken = store.take_ticket(&Ticket::generate(&Same(1)).key()).await.unwrap();
    assert!(taken == Some(record()));
    let epoch = store.read(&bob, None, None).await.unwrap();
    assert_eq!((epoch.generation, epoch.revoked_at), (1_767_225_605_000, Some(second(5))));
    let (session, token) = (SessionId::new("s-3"), TokenId::new("t-1"));
    assert!(store.read(&alice, Some(&session), None).await.unwrap().is_ended);
    assert!(store.read(&alice, None, Some(&token)).await.unwrap().is_ended);
    assert!(!store.read(&alice, None, None).await.unwrap().is_ended);
}

#[tokio::test]
async fn a_restart_keeps_every_session_and_every_revocation() {
    let folder = Folder::new();
    let store = folder.open().await;
    fill(&store).await;
    store.close().await;

    let store = folder.open().await;

    assert_filled(&store).await;
}

/// Copies the files while the store is open, which is how a killed process would leave them.
#[tokio::test]
async fn acknowledged_changes_survive_a_killed_process() {
    let (folder, other) = (Folder::new(), Folder::new());
    let store = folder.open().await;
    fill(&store).await;
    for name in ["doorward.db", "doorward.db-wal"] {
        fs::copy(folder.0.path().join(name), other.0.path().join(name)).unwrap();
    }

    let survivor = other.open().await;

    assert_filled(&survivor).await;
    drop(store);
}

#[tokio::test]
async fn two_stores_on_one_file_see_each_others_changes_at_once() {
    let folder = Folder::new();
    let (first, second) = (folder.open().await, folder.open().await);

    fill(&first).await;

    assert_filled(&second).await;
    second.remove(&SessionId::new("s-1")).await.unwrap();
    assert_eq!(first.get(&SessionId::new("s-1")).await.unwrap(), None);
    let again = first.create(&token(1).key(), &session("s-1", "alice")).await;
    assert!(again.is_ok(), "{again:?}");
    let taken = second.create(&token(1).key(), &session("s-4", "alice")).await;
    assert!(matches!(taken, Err(StoreError::Exists)), "{taken:?}");
}

/// No write fails with a lock error. `bump` reads before it writes, which would fail with `SQLITE_BUSY` in a
/// transaction that began with a read.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_stores_on_one_file_write_at_the_same_time() {
    let folder = Folder::new();
    let (user, stores) = (UserId::new("alice"), [folder.open().await, folder.open().await]);
    let mut revoking = tokio::task::JoinSet::new();
    for store in stores.iter().cycle().take(8) {
        let (store, user) = (store.clone(), user.clone());
        revoking.spawn(async move {
            for _ in 0..25 {
                store.bump(&user, second(0)).await.unwrap();
            }
        });
    }

    revoking.join_all().await;

    let epoch = stores[0].read(&user, None, None).await.unwrap();
    assert_eq!(
        epoch.generation,
        1_767_225_600_000 + 199,
        "each revocation increments the generation"
    );
}

#[tokio::test]
async fn operations_on_a_closed_store_fail() {
    let folder = Folder::new();
    let store = folder.open().await;
    let clone = store.clone();
    fill(&store).await;

    store.close().await;

    let found = clone.find(&token(1).key()).await;
    assert!(matches!(found, Err(StoreError::Unavailable(_))), "{found:?}");
    let made = clone.create(&token(3).key(), &session("s-9", "alice")).await;
    assert!(matches!(made, Err(StoreError::Unavailable(_))), "{made:?}");
    assert!(
        !fs::exists(folder.0.path().join("doorward.db-wal")).unwrap(),
        "closing merges the log into the file"
    );
}

/// A server that has lost its file has also lost its revocations, so a new file must reject earlier credentials.
#[tokio::test]
async fn a_new_file_can_reject_earlier_credentials() {
    let folder = Folder::new();
    let alice = UserId::new("alice");
    let holds = |issued, epoch: &RevocationState| {
        CredentialRef { user: &alice, session: None, token: None, issued }.holds(epoch)
    };

    let store = SqlStore::open_refusing_before(folder.file(), second(100)).await.unwrap();

    let epoch = store.read(&alice, None, None).await.unwrap();
    for (issued, expected) in [
        (Issued::At(second(100)), false),
        (Issued::At(second(101)), true),
        (Issued::Generation(epoch.generation - 1), false),
        (Issued::Generation(epoch.generation), true),
    ] {
        assert_eq!(holds(issued, &epoch), expected, "{issued:?}");
    }
    // Later generations continue from the floor, and opening the file again does not raise it.
    let generation = store.bump(&alice, second(50)).await.unwrap();
    assert_eq!(generation, epoch.generation + 1);
    let after = store.read(&alice, None, None).await.unwrap();
    assert_eq!(after.revoked_at, Some(second(100)));
    store.close().await;
    let store = SqlStore::open_refusing_before(folder.file(), second(900)).await.unwrap();
    assert_eq!(store.read(&alice, None, None).await.unwrap(), after);
    assert_eq!(store.read(&UserId::new("bob"), None, None).await.unwrap(), epoch);
}

#[tokio::test]
async fn an_existing_file_rejects_nothing_when_it_is_opened_again() {
    let folder = Folder::new();
    let store = folder.open().await;
    fill(&store).await;
    store.close().await;

    let store = SqlStore::open_refusing_before(folder.file(), second(900)).await.unwrap();

    assert_filled(&store).await;
}
