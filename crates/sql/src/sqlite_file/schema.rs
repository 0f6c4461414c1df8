//! Decides whether a file is ours, and brings its tables up to date.
//!
//! A file of another program is left as it is: it is looked at before anything is written. The header of the
//! file says whose it is and how many migrations it has seen. Start reading at [`prepare`].

use std::{path::Path, time::Duration};

use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection, query_as, query_scalar, raw_sql};

use super::primary_code;
use crate::{OpenError, open_error::SQLITE_BUSY};

/// Which tables a file has, and how it is told from files of other programs.
///
/// # Examples
/// ```
/// use doorward_sql::Schema;
///
/// const NOTES: Schema = Schema::new(
///     0x4e6f_7465, // "Note"
///     &["CREATE TABLE notes (text TEXT NOT NULL) STRICT"],
/// );
/// # let _ = NOTES;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    application: u32,
    migrations: &'static [&'static str],
    unmarked: &'static [&'static str],
}

impl Schema {
    /// A schema whose files carry this number in their header (`PRAGMA application_id`), and come to be by these
    /// migrations, in their order. What was released never changes; more is added at the end.
    ///
    /// # Panics
    /// When the number is 0, which files of other programs carry, or is not below 2^31. In a constant it does not
    /// compile.
    #[must_use]
    pub const fn new(application: u32, migrations: &'static [&'static str]) -> Self {
        assert!(application != 0 && application < 1 << 31, "an application id is 1 to 2^31 - 1");
        Self { application, migrations, unmarked: &[] }
    }

    /// Takes over files without a number whose tables are all among these: versions before the first migration
    /// did not mark their files. The migrations run on them from the first one.
    #[must_use]
    pub const fn adopting(self, tables: &'static [&'static str]) -> Self {
        Self { unmarked: tables, ..self }
    }
}

/// Shows that the file is ours or empty, and makes the tables that it lacks. `on_new` is run in an empty file, in
/// the step in which it gets its tables.
pub(super) async fn prepare(
    connection: &mut SqliteConnection,
    schema: &Schema,
    on_new: &str,
    path: &Path,
) -> Result<(), OpenError> {
    let failed = |error| OpenError::of(path, error);
    let application: i64 =
        query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await.map_err(failed)?;
    if application != i64::from(schema.application) {
        let tables: Vec<(String,)> = query_as(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
        let is_known = |(name,): &(String,)| application == 0 && schema.unmarked.contains(&&**name);
        if !tables.iter().all(is_known) {
            return Err(OpenError::Foreign { path: path.to_owned() });
        }
    }
    let seen = seen(connection).await.map_err(failed)?;
    if seen > schema.migrations.len() {
        return Err(OpenError::Newer { path: path.to_owned() });
    }
    use_wal(connection, path).await?;
    // A file that is up to date is not written, so that a server starts on a full disk.
    if seen < schema.migrations.len() {
        migrate(connection, schema, on_new).await.map_err(failed)?;
    }
    Ok(())
}

/// Switches to the write-ahead log, for good. It is the one change for which SQLite does not wait by
/// itself while another process has the file open.
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

/// Runs what is missing in one transaction, which no other process can begin meanwhile: two may open a new file
/// at the same moment.
async fn migrate(
    connection: &mut SqliteConnection,
    schema: &Schema,
    on_new: &str,
) -> sqlx::Result<()> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let seen = seen(&mut transaction).await?;
    for migration in schema.migrations.iter().skip(seen) {
        raw_sql(*migration).execute(&mut *transaction).await?;
    }
    if seen == 0 && !on_new.is_empty() {
        raw_sql(AssertSqlSafe(on_new)).execute(&mut *transaction).await?;
    }
    for (name, value) in [
        ("application_id", i64::from(schema.application)),
        ("user_version", i64::try_from(schema.migrations.len()).unwrap_or(i64::MAX)),
    ] {
        let mark = AssertSqlSafe(format!("PRAGMA {name} = {value}"));
        raw_sql(mark).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

/// How many migrations the file has seen. A number that no version writes is more than there are.
async fn seen(connection: &mut SqliteConnection) -> sqlx::Result<usize> {
    let version: i64 = query_scalar("PRAGMA user_version").fetch_one(connection).await?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

const ATTEMPTS: u32 = 500;

const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(10);
