//! Opens the database of the applications: one SQLite file beside that of the accounts.
//!
//! Each application makes its own tables. All share one connection, so that nothing in here ever waits for
//! a lock of the file.

use std::{fs::OpenOptions, io, os::unix::fs::OpenOptionsExt as _, path::Path, time::Duration};

use doorward::UserId;
use sqlx::{
    ConnectOptions as _, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{chat, failure::Failure, mole};

/// Opens the file, or makes it, and the tables that it lacks.
pub(crate) async fn open(file: &Path) -> Result<SqlitePool, Failure> {
    let failed = |error: sqlx::Error| {
        Failure::because(format_args!("cannot use the database {}", file.display()), &error)
    };
    // For its owner alone, and so are the files that SQLite puts beside it.
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    if let Err(error) = made.map(drop)
        && error.kind() != io::ErrorKind::AlreadyExists
    {
        return Err(failed(error.into()));
    }
    let options = SqliteConnectOptions::new()
        .filename(file)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // What clients were told is on the disk, also after a power cut.
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging();
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false);
    let pool = pool.connect_with(options).await.map_err(failed)?;
    for schema in [chat::SCHEMA, mole::SCHEMA] {
        sqlx::raw_sql(schema).execute(&pool).await.map_err(failed)?;
    }
    Ok(pool)
}

/// Forgets whatever the applications keep of somebody.
pub(crate) async fn forget(database: &SqlitePool, user: &UserId) -> sqlx::Result<()> {
    chat::forget(database, user).await?;
    mole::forget(database, user).await
}

/// How long somebody waits for their turn; then they are told that it did not work.
const PATIENCE: Duration = Duration::from_secs(5);

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
            sqlx::query("SELECT * FROM mole_best").fetch_all(&database).await.unwrap();
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
