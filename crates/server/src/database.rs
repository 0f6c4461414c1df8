//! Opens the database of the applications: one SQLite file beside that of the accounts.
//!
//! Each application makes its own tables. All share one connection, so that nothing in here ever waits for
//! a lock of the file.

use std::{path::Path, time::Duration};

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
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
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

/// How long somebody waits for their turn; then they are told that it did not work.
const PATIENCE: Duration = Duration::from_secs(5);
