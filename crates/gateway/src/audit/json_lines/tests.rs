//! Tests of a sink whose file is full, deleted or renamed.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use doorward_core::{Audit, AuditRecord, Decision, DecisionId};
use futures_util::FutureExt as _;

use super::*;
use crate::runtime::system::OsEntropy;

fn record(decision: Decision) -> AuditRecord<'static> {
    AuditRecord::new(DecisionId::generate(&OsEntropy), SystemTime::UNIX_EPOCH, decision)
}

/// A caller that waits for its record is not told that it is kept when only later ones are.
#[tokio::test]
async fn a_record_that_was_given_up_is_not_kept() {
    let audit = JsonLinesAudit::open("/dev/full").unwrap();

    let kept = audit.written();
    audit.record(&record(Decision::Admitted));
    // The flush ends the attempts to write the line.
    audit.flush().await;

    assert!(!kept.await);
    assert!(audit.written().await, "no record was made after this call");
}

/// Clients that are admitted while the disk is full and that stop waiting for their records.
#[tokio::test]
async fn callers_that_wait_leave_room_for_records_that_must_be_kept() {
    let audit = JsonLinesAudit::open("/dev/full").unwrap();

    for _ in 0..QUEUE {
        if !audit.has_room() {
            break;
        }
        let kept = audit.written();
        audit.record(&record(Decision::Admitted));
        assert_eq!(kept.now_or_never(), None);
    }
    assert!(!audit.has_room());
    audit.record(&record(Decision::Revoked));

    assert_eq!(audit.shared.given_up.load(Ordering::Relaxed), 0);
    assert_eq!(audit.shared.dropped.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_deleted_file_is_created_again_and_a_renamed_one_is_kept() {
    let folder = std::env::temp_dir().join(format!("doorward-audit-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (path, renamed) = (folder.join("audit.jsonl"), folder.join("old.jsonl"));
    let lines = |path: &Path| fs::read_to_string(path).unwrap().lines().count();
    let audit = JsonLinesAudit::open(&path).unwrap();
    let write = async || {
        let kept = audit.written();
        audit.record(&record(Decision::Admitted));
        kept.await
    };

    assert!(write().await);
    fs::remove_file(&path).unwrap();
    assert!(write().await);
    assert_eq!(lines(&path), 1);

    fs::rename(&path, &renamed).unwrap();
    assert!(write().await);
    assert_eq!((lines(&renamed), path.exists()), (2, false));

    // The line waits while there is no folder for its file.
    fs::remove_file(&renamed).unwrap();
    fs::remove_dir(&folder).unwrap();
    let kept = audit.written();
    audit.record(&record(Decision::Admitted));
    let mut kept = std::pin::pin!(kept);
    assert!(tokio::time::timeout(Duration::from_millis(1), &mut kept).await.is_err());
    fs::create_dir(&folder).unwrap();
    assert!(kept.await);
    assert_eq!(lines(&path), 1);
    fs::remove_dir_all(&folder).unwrap();
}

/// A rotation that was refused leaves another file at the path, and then deletes the renamed one.
#[tokio::test]
async fn another_file_that_has_taken_the_name_is_not_written() {
    let folder = std::env::temp_dir().join(format!("doorward-audit-name-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (path, target) = (folder.join("audit.jsonl"), folder.join("target"));
    for is_link in [false, true] {
        let audit = JsonLinesAudit::open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        if is_link {
            std::os::unix::fs::symlink(&target, &path).unwrap();
        } else {
            fs::write(&path, "of another").unwrap();
        }

        let mut kept = audit.written();
        audit.record(&record(Decision::Admitted));
        assert!(tokio::time::timeout(Duration::from_millis(50), &mut kept).await.is_err());
        assert!(!target.exists());
        assert!(!fs::read_to_string(&path).unwrap_or_default().contains("admitted"));

        fs::remove_file(&path).unwrap();
        assert!(kept.await);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
        fs::remove_file(&path).unwrap();
    }
    fs::remove_dir(&folder).unwrap();
}
