//! Decides whether a file is ours, and brings its tables up to date.
//!
//! A file of somebody else is left as it is: it is looked at before anything is written. The header of the
//! file says whose it is and how many of our migrations it has seen. Start reading at [`prepare`].

use std::{path::Path, time::Duration};

use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection, query_as, query_scalar, raw_sql};

use super::primary_code;
use crate::{OpenError, open_error::SQLITE_BUSY};

/// What makes an empty file into one of this version, in this order. What was released never changes.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_sessions.sql"),
    include_str!("../../migrations/sqlite/0002_audit.sql"),
    include_str!("../../migrations/sqlite/0003_accounts.sql"),
];

/// Shows that the file is ours or empty, and makes the tables that it lacks.
pub(super) async fn prepare(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<(), OpenError> {
    let (application, tables): (i64, i64) = query_as(
        "SELECT application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_application_id",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(|error| OpenError::of(path, error))?;
    if application != APPLICATION && tables > 0 {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    if seen(connection).await.map_err(|error| OpenError::of(path, error))? > MIGRATIONS.len() {
        return Err(OpenError::Newer { path: path.to_owned() });
    }
    use_wal(connection, path).await?;
    migrate(connection).await.map_err(|error| OpenError::of(path, error))
}

/// Switches to the write-ahead log, for good. It is the one change for which SQLite does not wait by
/// itself while somebody else has the file open.
async fn use_wal(connection: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    for _ in 0..ATTEMPTS {
        let mode = query_scalar::<_, String>("PRAGMA journal_mode = WAL");
        match mode.fetch_one(&mut *connection).await {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => return Err(OpenError::NoWal { path: path.to_owned() }),
            Err(error) if primary_code(&error) == Some(SQLITE_BUSY) => {
                tokio::time::sleep(BETWEEN_ATTEMPTS).await;
            }
            Err(error) => return Err(OpenError::of(path, error)),
        }
    }
    Err(OpenError::Busy { path: path.to_owned() })
}

/// Runs what is missing in one transaction, which nobody else can begin meanwhile: two processes may
/// open a new file at the same moment.
async fn migrate(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    for migration in MIGRATIONS.iter().skip(seen(&mut transaction).await?) {
        raw_sql(*migration).execute(&mut *transaction).await?;
    }
    let all = AssertSqlSafe(format!("PRAGMA user_version = {}", MIGRATIONS.len()));
    raw_sql(all).execute(&mut *transaction).await?;
    transaction.commit().await
}

/// How many migrations the file has seen. A number that none of us writes is more than there are.
async fn seen(connection: &mut SqliteConnection) -> sqlx::Result<usize> {
    let version: i64 = query_scalar("PRAGMA user_version").fetch_one(connection).await?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// "Door": what the first migration writes into the header of the file.
const APPLICATION: i64 = 0x446f_6f72;

const ATTEMPTS: u32 = 500;

const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(10);
