//! Tests of the database file. `in_postgres` has the tests of PostgreSQL.

mod in_postgres;

use std::{
    fs::Permissions,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
};

use sqlx::{Connection as _, SqliteConnection, raw_sql, sqlite::SqliteConnectOptions};

use super::*;
use crate::{CHAT, WHACK_A_MOLE, sql::Row};

#[tokio::test]
async fn the_file_is_for_its_owner_and_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("applications.db");

    for _ in 0..2 {
        let database = Database::open(&file, &ALL).await.unwrap();
        all::<(String,)>(&database, "SELECT * FROM mole_best").await;
        for entry in folder.path().read_dir().unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().mode() & 0o777, 0o600, "{entry:?}");
        }
        database.close().await;
    }
}

/// Files of the first versions have no application id.
#[tokio::test]
async fn a_file_of_an_older_version_is_taken_over_and_one_of_another_program_is_not() {
    for (statement, is_ours) in [
        (CHAT.schema().sqlite[0], true),
        (WHACK_A_MOLE.schema().sqlite[0], true),
        ("CREATE TABLE notes (text TEXT)", false),
        ("PRAGMA application_id = 7; CREATE TABLE chat_rooms (id TEXT)", false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("applications.db");
        let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
        let mut older = SqliteConnection::connect_with(&options).await.unwrap();
        raw_sql(statement).execute(&mut older).await.unwrap();
        older.close().await.unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();

        let opened = Database::open(&file, &ALL).await;

        assert_eq!(opened.is_ok(), is_ours, "{statement}: {opened:?}");
        if let Ok(database) = opened {
            let marks = "SELECT application_id, user_version FROM pragma_application_id, pragma_user_version";
            assert_eq!(all::<(i64, i64)>(&database, marks).await, [(0x446f_4170, 4)]);
        }
    }
}

async fn all<T: Row>(database: &Database, statement: &'static str) -> Vec<T> {
    database.tables().unwrap().all(sql(statement)).await.unwrap()
}

async fn run(database: &Database, statement: &'static str) {
    let run = database.tables().unwrap().change(move |mut connection| {
        Box::pin(async move { connection.run(sql(statement)).await })
    });
    run.await.unwrap();
}

/// Returns the tables of a file, without those of SQLite.
async fn tables(database: &Database) -> Vec<String> {
    const TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name";
    all::<(String,)>(database, TABLES).await.into_iter().map(|(name,)| name).collect()
}

#[tokio::test]
async fn an_application_that_is_not_mounted_has_no_table() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("applications.db");

    let none = Database::open(&file, &[]).await.unwrap();
    assert!(none.tables().is_none() && !file.exists());
    none.forget(&UserId::new("ann")).await.unwrap();

    let game = Database::open(&file, &[WHACK_A_MOLE]).await.unwrap();
    assert_eq!(tables(&game).await, ["application_versions", "mole_best"]);
    game.close().await;

    let both = Database::open(&file, &ALL).await.unwrap();
    let chat = ["chat_invitations", "chat_keys", "chat_members", "chat_messages", "chat_rooms"];
    let all = [&["application_versions"], &chat[..], &["mole_best"]].concat();
    assert_eq!(tables(&both).await, all);
}

/// Files of the third version have the tables of both applications.
#[tokio::test]
async fn what_an_application_kept_goes_with_its_user_also_when_it_is_not_mounted_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("applications.db");
    let [chat, invitations] = CHAT.schema().sqlite else { panic!("the chat has two migrations") };
    let [game] = WHACK_A_MOLE.schema().sqlite else { panic!("the game has one migration") };
    let third = Schema::new(0x446f_4170, Box::leak(Box::new([*chat, *game, *invitations])));
    let older = SqliteFile::open(&file, &third).await.unwrap();
    older
        .change(|connection| {
            Box::pin(async move {
                raw_sql(
                    "INSERT INTO mole_best VALUES ('ann', 'Ann', 1, 1), ('bob', 'Bob', 2, 1); \
                     INSERT INTO chat_rooms (id, name, created_at) VALUES ('tea', 'Tea', 1); \
                     INSERT INTO chat_members (room_id, user_id, name) \
                     VALUES ('tea', 'ann', 'Ann'), ('tea', 'bob', 'Bob')",
                )
                .execute(connection)
                .await
                .map(drop)
            })
        })
        .await
        .unwrap();
    older.close().await;

    let database = Database::open(&file, &[]).await.unwrap();
    database.forget(&UserId::new("ann")).await.unwrap();

    let left = "SELECT mole_best.user_id, chat_members.user_id FROM mole_best, chat_members";
    let left: Vec<(String, String)> = all(&database, left).await;
    assert_eq!(left, [("bob".to_owned(), "bob".to_owned())]);
    database.close().await;
    // When the application is mounted again, it finds its old data.
    let again = Database::open(&file, &ALL).await.unwrap();
    assert_eq!(tables(&again).await.len(), 7);
}

#[tokio::test]
async fn a_file_with_a_newer_application_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("applications.db");
    let database = Database::open(&file, &[CHAT]).await.unwrap();
    run(&database, "UPDATE application_versions SET version = 9").await;
    database.close().await;

    let refused = Database::open(&file, &[WHACK_A_MOLE]).await;

    assert!(matches!(refused, Err(OpenError::Newer { .. })), "{refused:?}");
}
