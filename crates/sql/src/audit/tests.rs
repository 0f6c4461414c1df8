//! Checks that records that cannot be written are logged once with all fields, and that no text can forge a line of the
//! log.

use std::time::SystemTime;

use doorward_core::{Action, Decision, DecisionId, Entropy, RefusalReason, UserId};
use doorward_testkit::Log;
use sqlx::{query, query_scalar};
use tempfile::TempDir;
use tracing::Level;

use super::*;
use crate::store::SCHEMA;

struct Zero;
impl Entropy for Zero {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn note(audit: &SqlAudit, user: &str) {
    record(audit, user, Decision::Joined);
}

fn record(audit: &SqlAudit, user: &str, outcome: Decision) {
    audit.record(&AuditRecord {
        action: Some(Action::Event("move")),
        namespace: Some("/game"),
        user: Some(&UserId::new(user)),
        ..AuditRecord::new(DecisionId::generate(&Zero), SystemTime::UNIX_EPOCH, outcome)
    });
}

async fn open(folder: &TempDir) -> SqliteFile {
    SqliteFile::open(folder.path().join("doorward.db"), &SCHEMA).await.unwrap()
}

async fn users(database: &SqliteFile) -> Vec<String> {
    query_scalar("SELECT user_id FROM audit ORDER BY seq")
        .fetch_all(database.readers())
        .await
        .unwrap()
}

/// The runtime has one thread, so the writer cannot take records before the queue is full.
#[tokio::test]
async fn records_beyond_the_queue_are_logged_and_all_others_are_written() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    let log = Log::default();
    let _kept = log.keep(Level::INFO);
    let audit = SqlAudit::with_queue(database.clone(), 4);

    for number in 0..10 {
        note(&audit, &format!("user-{number}"));
    }
    audit.flush().await;

    assert_eq!(users(&database).await, ["user-0", "user-1", "user-2", "user-3"]);
    let lines = log.lines();
    assert_eq!(lines.len(), 6, "{lines:?}");
    for (line, number) in lines.iter().zip(4..) {
        for part in [
            "ERROR",
            "too many records are waiting",
            &format!("user: Some(\"user-{number}\")"),
            "id: \"AAAAAAAAAAAA\"",
            "outcome: \"joined\"",
            "action: Some(\"event move\")",
            "namespace: Some(\"/game\")",
        ] {
            assert!(line.contains(part), "{part} is not in {line}");
        }
    }
}

#[tokio::test]
async fn records_are_logged_when_the_file_cannot_be_written() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    query("DROP TABLE audit").execute(database.writer()).await.unwrap();
    let log = Log::default();
    let _kept = log.keep(Level::INFO);
    let audit = SqlAudit::start(database);

    note(&audit, "alice");
    note(&audit, "bob");
    audit.flush().await;

    let lines = log.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].contains("Some(\"alice\")") && lines[0].contains("no such table"),
        "{lines:?}"
    );
    assert!(lines[1].contains("Some(\"bob\")"), "{lines:?}");
}

/// Attack 101 in `docs/attacks.md`: a name that forges a line of the log.
#[tokio::test]
async fn a_name_cannot_forge_a_line_of_the_log() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    let log = Log::default();
    let _kept = log.keep(Level::INFO);
    let audit = SqlAudit::with_queue(database.clone(), 1);

    note(&audit, "first");
    note(&audit, "mallory\r\n2026-01-01 ERROR \u{1b}[31m\u{2028}\u{202e}\" admitted: root");

    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    for forbidden in ['\r', '\u{1b}', '\u{2028}', '\u{202e}'] {
        assert!(!lines[0].contains(forbidden), "{lines:?}");
    }
    audit.flush().await;
}

#[test]
fn records_that_wait_when_the_runtime_ends_are_logged() {
    let folder = TempDir::new().unwrap();
    let log = Log::default();
    let _kept = log.keep(Level::INFO);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let audit = runtime.block_on(async { SqlAudit::start(open(&folder).await) });

    note(&audit, "alice");
    drop(runtime);
    note(&audit, "bob");

    let lines = log.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("Some(\"alice\")") && lines[0].contains("has stopped"), "{lines:?}");
    assert!(lines[1].contains("Some(\"bob\")") && lines[1].contains("has ended"), "{lines:?}");
}

/// A transaction that is running when the runtime ends may be committed or not, so its records are logged too.
#[test]
fn records_that_are_being_written_when_the_runtime_ends_are_logged() {
    let folder = TempDir::new().unwrap();
    let log = Log::default();
    let _kept = log.keep(Level::INFO);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (audit, busy) = runtime.block_on(async {
        let database = open(&folder).await;
        let busy = database.writer().acquire().await.unwrap();
        let audit = SqlAudit::with_queue(database, 1);
        note(&audit, "alice");
        // The queue has room for one record. When there is room again, the writer has taken the record.
        audit.queue.reserve().await.unwrap();
        (audit, busy)
    });

    drop(runtime);

    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("Some(\"alice\")") && lines[0].contains("has stopped"), "{lines:?}");
    drop((audit, busy.leak()));
}

/// If the writer ended when the last handle is dropped, the records in the queue would be lost.
#[tokio::test]
async fn records_are_written_after_the_last_handle_is_dropped() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    let audit = SqlAudit::start(database.clone());

    note(&audit, "alice");
    drop(audit);

    while users(&database).await.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(users(&database).await, ["alice"]);
}

/// If the file cannot be written for a while, as on a full disk, the records wait and are written afterwards.
#[tokio::test]
async fn records_wait_until_the_file_can_be_written_again() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    query("ALTER TABLE audit RENAME TO away").execute(database.writer()).await.unwrap();
    let log = Log::default();
    let _kept = log.keep(Level::INFO);
    let audit = SqlAudit::start(database.clone());

    note(&audit, "alice");
    while log.lines().is_empty() {
        tokio::task::yield_now().await;
    }
    note(&audit, "bob");
    query("ALTER TABLE away RENAME TO audit").execute(database.writer()).await.unwrap();
    audit.written().await;

    assert_eq!(users(&database).await, ["alice", "bob"]);
    let lines = log.lines();
    assert!(lines[0].contains("they wait") && lines[1].contains("written again"), "{lines:?}");
    assert_eq!(lines.len(), 2, "{lines:?}");
}

/// A caller that waits for its record is not told that it is kept when only the others are.
#[tokio::test]
async fn a_record_beyond_the_queue_is_not_kept() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    query("ALTER TABLE audit RENAME TO away").execute(database.writer()).await.unwrap();
    let log = Log::default();
    let _kept = log.keep(Level::INFO);
    let audit = SqlAudit::with_queue(database.clone(), 1);

    note(&audit, "alice");
    while log.lines().is_empty() {
        tokio::task::yield_now().await;
    }
    note(&audit, "bob");
    let kept = audit.written();
    note(&audit, "carol");
    query("ALTER TABLE away RENAME TO audit").execute(database.writer()).await.unwrap();

    assert!(!kept.await);
    assert_eq!(users(&database).await, ["alice", "bob"]);
    assert!(audit.written().await, "no record was made after this call");
}

/// Refusals are dropped first, because unauthenticated clients can cause any number of them. When the queue is fuller,
/// no client is admitted.
#[tokio::test]
async fn refusals_are_dropped_before_other_records() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder).await;
    let audit = SqlAudit::with_queue(database.clone(), 8);

    for number in 0..20 {
        record(&audit, "stranger", Decision::Refused(RefusalReason::TokenSignature));
        if number < 2 {
            note(&audit, &format!("user-{number}"));
        }
    }
    assert!(audit.has_room());
    note(&audit, "user-2");
    assert!(!audit.has_room());
    audit.flush().await;

    let users = users(&database).await;
    assert_eq!(users.iter().filter(|user| user.starts_with("user-")).count(), 3, "{users:?}");
    assert!(audit.has_room());
}
