//! Creates files, and refuses unsuitable files without changing them.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use doorward_core::{AccountStore, RevocationStore, SessionStore, UserId};
use doorward_sql::{OpenError, Schema, SqlStore, SqliteFile};
use sqlx::{Connection, SqliteConnection, query, raw_sql, sqlite::SqliteConnectOptions};

use crate::fixture::{Folder, session, token};

async fn refused(path: &Path) -> OpenError {
    SqlStore::open(path).await.map(drop).unwrap_err()
}

/// Creates a database as another program would.
async fn sqlite(path: &Path, statements: &[&'static str]) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    for statement in statements {
        raw_sql(*statement).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn the_file_and_those_beside_it_are_for_their_owner_only() {
    let folder = Folder::new();
    let store = folder.open().await;
    store.create(&token(1).key(), &session("s-1", "alice")).await.unwrap();

    let mut modes = Vec::new();
    for file in fs::read_dir(folder.0.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        modes.push((file.file_name().into_string().unwrap(), mode));
    }

    modes.sort();
    let names = ["doorward.db", "doorward.db-shm", "doorward.db-wal"];
    assert_eq!(modes, names.map(|name| (name.to_owned(), 0o600)));
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_refused_and_unchanged() {
    let folder = Folder::new();
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(1_000);
    fs::write(folder.file(), &text).unwrap();

    let error = refused(&folder.file()).await;

    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error:?}");
    assert!(error.to_string().contains("doorward.db is not an SQLite database: "), "{error}");
    assert_eq!(fs::read_to_string(folder.file()).unwrap(), text);
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_unchanged() {
    for statements in [
        &["CREATE TABLE sessions (id TEXT)"][..],
        &["PRAGMA application_id = 7", "CREATE TABLE t (id TEXT)"],
    ] {
        let folder = Folder::new();
        sqlite(&folder.file(), statements).await;
        let before = fs::read(folder.file()).unwrap();

        let error = refused(&folder.file()).await;

        assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
        assert_eq!(fs::read(folder.file()).unwrap(), before);
    }
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused_and_unchanged() {
    let folder = Folder::new();
    folder.open().await.close().await;
    sqlite(&folder.file(), &["PRAGMA user_version = 9999"]).await;
    let before = fs::read(folder.file()).unwrap();

    let error = refused(&folder.file()).await;

    assert!(matches!(error, OpenError::Newer { .. }), "{error:?}");
    assert_eq!(fs::read(folder.file()).unwrap(), before);
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_unchanged() {
    let folder = Folder::new();
    folder.open().await.close().await;
    let mut bytes = fs::read(folder.file()).unwrap();
    // The header stays valid, and the list of tables after it is overwritten.
    bytes[100..4096].fill(0xa5);
    fs::write(folder.file(), &bytes).unwrap();

    let error = refused(&folder.file()).await;

    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
    assert_eq!(fs::read(folder.file()).unwrap(), bytes);
}

/// No user can create a file in `/proc`, not even root.
#[tokio::test]
async fn a_place_where_no_file_can_be_made_is_refused() {
    let folder = Folder::new();
    fs::write(folder.0.path().join("file"), "").unwrap();
    let inside = |name: &str| folder.0.path().join(name);
    let places =
        [PathBuf::from("/proc/doorward.db"), inside("missing/doorward.db"), inside("file/a.db")];

    for place in places {
        let error = refused(&place).await;

        assert!(matches!(error, OpenError::Access { .. }), "{error:?}");
        assert!(error.to_string().starts_with(&*place.to_string_lossy()), "{error}");
        assert!(!place.exists());
    }
    let error = refused(folder.0.path()).await;
    assert!(matches!(error, OpenError::Access { .. }), "{error:?}");
}

#[tokio::test]
async fn opening_a_file_that_another_process_has_locked_times_out() {
    let folder = Folder::new();
    folder.open().await.close().await;
    let options = SqliteConnectOptions::new().filename(folder.file());
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    query("PRAGMA locking_mode = EXCLUSIVE").execute(&mut other).await.unwrap();
    query("BEGIN EXCLUSIVE").execute(&mut other).await.unwrap();

    let error = refused(&folder.file()).await;

    assert!(matches!(error, OpenError::Busy { .. }), "{error:?}");
}

/// SQLite or a URL parser would interpret these names.
#[tokio::test]
async fn special_characters_in_a_file_name_have_no_meaning() {
    let folder = Folder::new();
    for name in ["a b", "a?mode=memory", "a%20b", "file:a", ":memory:", "a#b", "a'b", "\u{1f9d9}"] {
        let path = folder.0.path().join(name);

        let store = SqlStore::open(&path).await.unwrap();
        store.create(&token(1).key(), &session("s-1", "alice")).await.unwrap();
        store.close().await;

        assert!(path.metadata().unwrap().len() > 0, "{name}");
    }
}

#[tokio::test]
async fn an_empty_file_and_a_link_to_one_become_a_store() {
    let folder = Folder::new();
    fs::write(folder.file(), "").unwrap();
    let link = folder.0.path().join("link.db");
    symlink(folder.file(), &link).unwrap();

    let store = SqlStore::open(&link).await.unwrap();
    store.create(&token(1).key(), &session("s-1", "alice")).await.unwrap();
    store.close().await;

    let store = folder.open().await;
    assert_eq!(store.of_user(&UserId::new("alice")).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_stores_can_open_a_new_file_at_once() {
    let folder = Folder::new();
    let mut opening = tokio::task::JoinSet::new();
    for number in 0..8 {
        let path = folder.file();
        opening.spawn(async move {
            let store = SqlStore::open(path).await.unwrap();
            let session = session(&format!("s-{number}"), "alice");
            store.create(&token(number).key(), &session).await.unwrap();
        });
    }

    opening.join_all().await;

    let store = folder.open().await;
    assert_eq!(store.of_user(&UserId::new("alice")).await.unwrap().len(), 8);
}

/// A file of the version before accounts is migrated and keeps its rows.
#[tokio::test]
async fn a_file_of_an_older_version_gets_the_tables_that_it_lacks() {
    let folder = Folder::new();
    let older = [
        include_str!("../../migrations/sqlite/0001_sessions.sql"),
        include_str!("../../migrations/sqlite/0002_audit.sql"),
        "INSERT INTO epochs VALUES ('alice', 7, 5)",
        "PRAGMA user_version = 2",
    ];
    sqlite(&folder.file(), &older).await;

    let store = folder.open().await;

    let epoch = store.read(&UserId::new("alice"), None, None).await.unwrap();
    assert_eq!(epoch.generation, 7);
    assert!(store.account_named("alice").await.unwrap().is_none());
    assert!(store.decoy_secret(&[1; 32]).await.unwrap() == [1; 32]);
}

/// A server that has used up its file descriptors can still read.
#[tokio::test]
async fn readers_need_no_descriptor_after_the_opening() {
    let folder = Folder::new();
    let notes = Schema::new(7, &["CREATE TABLE notes (text TEXT NOT NULL) STRICT"]);
    let notes = SqliteFile::open(folder.file(), &notes).await.unwrap();
    let descriptors = || {
        let open = fs::read_dir("/proc/self/fd").unwrap();
        let open = open.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
        open.filter(|file| file.starts_with(folder.0.path())).count()
    };
    let at_first = descriptors();

    let mut readers = Vec::new();
    for _ in 0..notes.readers().options().get_max_connections() {
        readers.push(notes.readers().acquire().await.unwrap());
    }

    assert_eq!(descriptors(), at_first);
}
