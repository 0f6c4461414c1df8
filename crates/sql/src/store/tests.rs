//! Tests that need the statements or the writing connection. They cover query plans, a full disk and
//! malformed rows.

use std::time::{Duration, SystemTime};

use doorward_core::{Session, SessionId, SessionKey, SessionStore, StoreError, UserId};
use sqlx::{AssertSqlSafe, query, query_as};
use tempfile::TempDir;

use super::{SqlStore, revocations, sessions, tickets};

async fn open(folder: &TempDir) -> SqlStore {
    SqlStore::open(folder.path().join("doorward.db")).await.unwrap()
}

fn session(number: u32) -> (SessionKey, Session) {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&number.to_be_bytes());
    let (id, user) = (SessionId::new(format!("s-{number}")), format!("user-{}", number % 1_000));
    let lifetime = Duration::from_secs(u64::from(number));
    let session = Session::new(id, user, SystemTime::UNIX_EPOCH, Duration::from_secs(60), lifetime);
    (SessionKey::new(key), session)
}

/// Inserts many sessions in one statement, which waits for the disk once instead of thousands of times.
async fn fill(store: &SqlStore, count: u32) {
    query(
        "WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < $1 - 1) \
         INSERT INTO sessions (id, key, user_id, generation, created_at, seen_at, signed_in_at, \
         idle_timeout, ends_at, forget_at, data) \
         SELECT 's-' || n, CAST(printf('%032d', n) AS BLOB), 'user-' || (n % 1000), 0, 0, 0, 0, 60000, \
         n * 1000, n * 1000 + 3600000, '{}' FROM n",
    )
    .bind(count)
    .execute(store.database.writer())
    .await
    .unwrap();
}

#[tokio::test]
async fn no_statement_scans_a_table() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    fill(&store, 10_000).await;

    for statement in [
        sessions::FIND,
        sessions::GET,
        sessions::OF_USER,
        sessions::TOUCH,
        sessions::IS_TAKEN,
        sessions::ROTATE,
        sessions::PUT_DATA,
        sessions::REMOVE,
        sessions::REMOVE_ALL_OF_USER,
        sessions::FORGET,
        sessions::FORGET_TICKETS,
        sessions::FORGET_EPOCHS,
        sessions::FORGET_ENDED,
        tickets::TAKE,
        revocations::READ,
        revocations::BUMP,
        revocations::END,
    ] {
        let plan: Vec<(i64, i64, i64, String)> =
            query_as(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")))
                .fetch_all(store.database.readers())
                .await
                .unwrap();

        for (.., step) in &plan {
            assert!(!step.contains("SCAN") || step == "SCAN CONSTANT ROW", "{statement}: {plan:?}");
            assert!(!step.contains("TEMP B-TREE"), "{statement}: {plan:?}");
        }
    }
}

#[tokio::test]
async fn ten_thousand_sessions_are_listed_and_swept_by_user_and_by_time() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    fill(&store, 10_000).await;

    let listed = store.of_user(&UserId::new("user-7")).await.unwrap();
    // Sessions 0 to 2,500 have ended by second 2,500, and may be forgotten an hour later.
    let swept = store.sweep(SystemTime::UNIX_EPOCH + Duration::from_secs(2_500 + 3_600)).await;

    let ids: Vec<_> = listed.iter().map(|session| session.id.as_str()).collect();
    let expected: Vec<_> = (0..10).map(|n| format!("s-{}", n * 1_000 + 7)).collect();
    assert_eq!(ids, expected);
    assert_eq!(swept.unwrap(), 2_501);
    assert_eq!(store.of_user(&UserId::new("user-7")).await.unwrap().len(), 7);
}

#[tokio::test]
async fn a_full_store_reports_it_and_has_changed_nothing() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    query("PRAGMA max_page_count = 30").execute(store.database.writer()).await.unwrap();
    let mut last = 0;
    let refused = loop {
        let (key, mut session) = session(last);
        session.user_agent = Some("x".repeat(2_000).into());
        match store.create(&key, &session).await {
            Ok(()) => last += 1,
            Err(error) => break error,
        }
    };

    assert!(matches!(refused, StoreError::Full), "{refused:?}");
    assert!(last > 3, "{last}");
    let (key, session) = session(last);
    assert_eq!(store.find(&key).await.unwrap(), None);
    assert_eq!(store.get(&session.id).await.unwrap(), None);
    // Existing sessions keep working, and removing sessions makes room for a new one.
    assert!(store.find(&self::session(0).0).await.unwrap().is_some());
    assert!(store.remove(&SessionId::new("s-0")).await.unwrap());
    assert!(store.remove(&SessionId::new("s-1")).await.unwrap());
    store.create(&key, &session).await.unwrap();
}

#[tokio::test]
async fn a_malformed_row_is_an_error_and_no_session() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    for broken in ["data = '{'", "data = '[]'", "network = 'nowhere'"] {
        let (key, session) = session(1);
        store.create(&key, &session).await.unwrap();
        let statement = format!("UPDATE sessions SET {broken}");
        query(AssertSqlSafe(statement)).execute(store.database.writer()).await.unwrap();

        let found = store.find(&key).await;

        assert!(matches!(found, Err(StoreError::Unavailable(_))), "{broken}: {found:?}");
        store.remove(&session.id).await.unwrap();
    }
}
