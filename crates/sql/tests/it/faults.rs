//! Checks that changes are refused, and acknowledged changes are kept, after faults of the disk or the file.

use std::{error::Error as _, fs, path::Path};

use doorward_core::StoreError;
use doorward_sql::SqlStore;
use doorward_testkit::{SmallDisk, deeds, deeds::Deed};
use sqlx::{Connection as _, SqliteConnection, query, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use crate::fixture::Folder;

/// Acknowledged changes, each with its round.
#[derive(Default)]
struct Acknowledged(Vec<(u8, &'static str)>);

impl Acknowledged {
    /// Makes every kind of change once, and returns the changes that were refused.
    async fn round(&mut self, store: &SqlStore, n: u8) -> Vec<(&'static str, StoreError)> {
        let mut done: Vec<Deed> = deeds::do_sessions(store, n).await;
        done.extend(deeds::do_accounts(store, n).await);
        let mut refused = Vec::new();
        for (name, result) in done {
            match result {
                Ok(()) => self.0.push((n, name)),
                Err(error) => refused.push((name, error)),
            }
        }
        refused
    }

    /// Opens a copy of the files, as a killed process would leave them. Asserts that the copy has every acknowledged
    /// change.
    async fn assert_all_in(&self, file: &Path) {
        let folder = TempDir::new().unwrap();
        let name = file.file_name().unwrap().to_str().unwrap();
        for suffix in ["", "-wal"] {
            let from = file.with_file_name(format!("{name}{suffix}"));
            fs::copy(from, folder.path().join(format!("{name}{suffix}"))).unwrap();
        }
        let store = SqlStore::open(folder.path().join(name)).await.unwrap();
        for (n, name) in &self.0 {
            let knows = deeds::knows_session(&store, *n, name).await.unwrap()
                || deeds::knows_account(&store, *n, name).await.unwrap();
            assert!(knows, "{name} of round {n} was acknowledged");
        }
    }
}

async fn outsider(file: &Path) -> SqliteConnection {
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap()
}

#[tokio::test]
async fn a_full_disk_is_reported_and_loses_no_acknowledged_change() {
    let test = "faults::a_full_disk_is_reported_and_loses_no_acknowledged_change";
    let Some(disk) = SmallDisk::rerun(16 << 20, test) else { return };
    let file = disk.path().join("doorward.db");
    let store = SqlStore::open(&file).await.unwrap();
    deeds::prepare_accounts(&store, 0..20).await.unwrap();
    let mut acknowledged = Acknowledged::default();

    for times in 0..2 {
        let mut refused = Vec::new();
        disk.fill();
        for n in 0..4 {
            refused.extend(acknowledged.round(&store, 10 * times + n).await);
        }
        disk.free();
        for n in 4..8 {
            let refused = acknowledged.round(&store, 10 * times + n).await;
            assert!(refused.is_empty(), "there is room: {refused:?}");
        }

        let is_full = |(_, error): &(_, StoreError)| matches!(error, StoreError::Full);
        assert!(refused.len() >= 10 && refused.iter().all(is_full), "{refused:?}");
        acknowledged.assert_all_in(&file).await;
    }
}

/// Writes to a write-ahead log that was replaced would be lost, because the next process opens the new log.
#[tokio::test]
async fn a_replaced_log_fails_every_change() {
    let folder = Folder::new();
    let store = folder.open().await;
    deeds::prepare_accounts(&store, 0..2).await.unwrap();
    let log = folder.0.path().join("doorward.db-wal");
    let copy = folder.0.path().join("copy");

    fs::copy(&log, &copy).unwrap();
    fs::rename(&copy, &log).unwrap();

    let refused = Acknowledged::default().round(&store, 0).await;
    assert_eq!(refused.len(), 9, "{refused:?}");
    assert!(store.check().await.is_err());
}

#[tokio::test]
async fn a_removed_or_replaced_file_fails_every_change_until_it_is_back() {
    let folder = Folder::new();
    let store = folder.open().await;
    deeds::prepare_accounts(&store, 0..4).await.unwrap();
    let mut acknowledged = Acknowledged::default();
    let aside = folder.0.path().join("aside.db");

    fs::rename(folder.file(), &aside).unwrap();
    let gone = acknowledged.round(&store, 0).await;
    fs::copy(&aside, folder.file()).unwrap();
    let exchanged = acknowledged.round(&store, 1).await;
    assert!(store.check().await.is_err());
    fs::rename(&aside, folder.file()).unwrap();
    let back = acknowledged.round(&store, 2).await;

    for (name, error) in gone.iter().chain(&exchanged) {
        let causes = std::iter::successors(error.source(), |&cause| cause.source());
        let cause = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
        assert!(cause.contains("doorward.db was removed or replaced"), "{name}: {error} {cause}");
    }
    assert_eq!((gone.len(), exchanged.len(), back.len()), (9, 9, 0), "{back:?}");
    store.check().await.unwrap();
    acknowledged.assert_all_in(&folder.file()).await;
}

/// Another connection holds the lock, first longer than a change waits, and then for a short time.
#[tokio::test]
async fn a_lock_of_another_process_is_awaited_with_a_timeout() {
    let folder = Folder::new();
    let store = folder.open().await;
    deeds::prepare_accounts(&store, 0..4).await.unwrap();
    let mut acknowledged = Acknowledged::default();
    let mut other = outsider(&folder.file()).await;
    query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();

    // Reads are not blocked.
    assert!(!deeds::knows_session(&store, 0, "create").await.unwrap());
    let refused = deeds::prepare_accounts(&store, [4]).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    let (waiting, ended) = tokio::join!(acknowledged.round(&store, 1), async {
        query("COMMIT").execute(&mut other).await
    });

    ended.unwrap();
    assert!(waiting.is_empty(), "{waiting:?}");
    acknowledged.assert_all_in(&folder.file()).await;
}
