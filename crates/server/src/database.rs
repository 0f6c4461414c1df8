//! Opens the database of the applications: one SQLite file beside that of the accounts.
//!
//! Each application has tables of its own. What is kept here obeys the same rules as accounts and sessions: see
//! [`SqliteFile`].

use std::path::Path;

use doorward::{Exception, UserId};
use doorward_core::StoreError;
use doorward_sql::{Schema, SqliteFile};

use crate::{chat, custody, failure::Failure, mole};

/// Opens the file, or makes it, and the tables that it lacks.
pub(crate) async fn open(file: &Path) -> Result<SqliteFile, Failure> {
    custody::check_database(file)?;
    SqliteFile::open(file, &SCHEMA).await.map_err(|error| {
        Failure::because(format_args!("cannot use the database {}", file.display()), &error)
    })
}

/// Forgets what the applications keep of a user, all of it or nothing.
pub(crate) async fn forget(database: &SqliteFile, user: &UserId) -> Result<(), StoreError> {
    let user = user.clone();
    let forget = database.change(move |connection| {
        Box::pin(async move {
            chat::forget(&mut *connection, &user).await?;
            mole::forget(connection, &user).await
        })
    });
    forget.await
}

/// What a client reads when something could not be kept.
pub(crate) fn not_kept(error: &StoreError) -> Exception {
    let cause = std::error::Error::source(error);
    tracing::warn!(%error, cause, "A change was refused: it could not be kept.");
    match error {
        StoreError::Full => Exception::new("storage_full", "There is no room to keep this"),
        _ => Exception::new("unavailable", "Try again later"),
    }
}

/// `DoAp` in ASCII, and the tables of all applications. Versions before the first migration marked no file.
const SCHEMA: Schema = Schema::new(0x446f_4170, &[chat::SCHEMA, mole::SCHEMA, chat::INVITATIONS])
    .adopting(&["chat_keys", "chat_members", "chat_messages", "chat_rooms", "mole_best"]);

#[cfg(test)]
mod tests {
    use std::{
        fs::Permissions,
        os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    };

    use sqlx::Connection as _;

    use super::*;

    #[tokio::test]
    async fn the_file_is_for_its_owner_and_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("applications.db");

        for _ in 0..2 {
            let database = open(&file).await.unwrap();
            sqlx::query("SELECT * FROM mole_best").fetch_all(database.readers()).await.unwrap();
            for entry in folder.path().read_dir().unwrap() {
                let entry = entry.unwrap();
                assert_eq!(entry.metadata().unwrap().mode() & 0o777, 0o600, "{entry:?}");
            }
            database.close().await;
        }
    }

    /// Files of the first versions carry no number.
    #[tokio::test]
    async fn a_file_of_an_older_version_is_taken_over_and_one_of_another_program_is_not() {
        for (statement, is_ours) in [
            (chat::SCHEMA, true),
            (mole::SCHEMA, true),
            ("CREATE TABLE notes (text TEXT)", false),
            ("PRAGMA application_id = 7; CREATE TABLE chat_rooms (id TEXT)", false),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("applications.db");
            let options =
                sqlx::sqlite::SqliteConnectOptions::new().filename(&file).create_if_missing(true);
            let mut older = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
            sqlx::raw_sql(statement).execute(&mut older).await.unwrap();
            older.close().await.unwrap();
            std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();

            let opened = open(&file).await;

            assert_eq!(opened.is_ok(), is_ours, "{statement}: {opened:?}");
            if let Ok(database) = opened {
                let marks = sqlx::query_as::<_, (i64, i64)>(
                    "SELECT application_id, user_version FROM pragma_application_id, pragma_user_version",
                );
                let marks = marks.fetch_one(database.readers()).await.unwrap();
                assert_eq!(marks, (0x446f_4170, 3));
            }
        }
    }

    #[tokio::test]
    async fn what_is_no_database_is_told_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("applications.db");
        std::fs::write(&file, "something else, and long enough for a header").unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();

        let failure = open(&file).await.unwrap_err().to_string();

        assert!(
            failure.contains("cannot use the database") && failure.contains("applications.db"),
            "{failure}"
        );
    }
}
