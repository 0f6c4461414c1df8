//! Opens the database of the applications: one SQLite file beside that of the accounts.
//!
//! Each application has tables of its own. What is kept here obeys the same rules as accounts and sessions: see
//! [`SqliteFile`].

use std::path::Path;

use doorward::{Exception, UserId};
use doorward_core::StoreError;
use doorward_sql::{Schema, SqliteFile};

use crate::{chat, failure::Failure, mole};

/// Opens the file, or makes it, and the tables that it lacks.
pub(crate) async fn open(file: &Path) -> Result<SqliteFile, Failure> {
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

/// "DoAp", and the tables of all applications. Versions before the first migration marked no file.
const SCHEMA: Schema = Schema::new(0x446f_4170, &[chat::SCHEMA, mole::SCHEMA]).adopting(&[
    "chat_keys",
    "chat_members",
    "chat_messages",
    "chat_rooms",
    "mole_best",
]);

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

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

    #[tokio::test]
    async fn what_is_no_database_is_told_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("applications.db");
        std::fs::write(&file, "something else, and long enough for a header").unwrap();

        let failure = open(&file).await.unwrap_err().to_string();

        assert!(
            failure.contains("cannot use the database") && failure.contains("applications.db"),
            "{failure}"
        );
    }
}
