//! Recognises the files of an application by the application id, and migrates their tables.
//!
//! The file's header holds the application id and the number of migrations that have run. Both are read before
//! anything is written, so a file of another program stays unchanged. Start reading at [`prepare`].

use std::{path::Path, time::Duration};

use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection, query_as, query_scalar, raw_sql};

use crate::{
    open_error::OpenError,
    sqlx_error::{SQLITE_BUSY, primary_code},
};

/// Tables of a file, and the number that distinguishes the file from files of other programs.
///
/// # Examples
/// ```
/// use doorward_sql::Schema;
///
/// const NOTES: Schema = Schema::new(
///     0x4e6f_7465, // "Note"
///     &["CREATE TABLE notes (text TEXT NOT NULL) STRICT"],
/// );
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    application: u32,
    migrations: &'static [&'static str],
    unmarked: &'static [&'static str],
}

impl Schema {
    /// Creates a schema. `application` identifies the files of the application in their header (`PRAGMA
    /// application_id`). The migrations run in order on a new file. A released migration must never change. Add new
    /// migrations at the end.
    ///
    /// # Panics
    /// Panics if `application` is 0, as in files of other programs, or is not below 2^31. In a constant, this is a
    /// compile error.
    #[must_use]
    pub const fn new(application: u32, migrations: &'static [&'static str]) -> Self {
        assert!(application != 0 && application < 1 << 31, "an application id is 1 to 2^31 - 1");
        Self { application, migrations, unmarked: &[] }
    }

    /// Also accepts a file without an application id if the names of all its tables are in `tables`. Use it for an
    /// application whose earlier releases did not set the id. All migrations run on such a file.
    #[must_use]
    pub const fn adopting(self, tables: &'static [&'static str]) -> Self {
        Self { unmarked: tables, ..self }
    }
}

/// Verifies that the file is empty, belongs to the application or is adopted ([`Schema::adopting`]), and runs the
/// missing migrations. If no migration has run before, `on_new` runs in the same transaction.
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
    // A current file is not written, so that a server can start on a full disk.
    if seen < schema.migrations.len() {
        migrate(connection, schema, on_new).await.map_err(failed)?;
    }
    Ok(())
}

/// Switches the file to WAL mode, which is permanent. SQLite's `busy_timeout` does not cover this change, so it is
/// retried here while another process holds the file.
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

/// Runs the missing migrations in one transaction. Other processes may open the new file at the same time. `BEGIN
/// IMMEDIATE` excludes them, and the number of migrations is read again inside the transaction.
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
        // A PRAGMA accepts no bound parameters. Name and value are constants of the program.
        let mark = AssertSqlSafe(format!("PRAGMA {name} = {value}"));
        raw_sql(mark).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

/// Returns the number of migrations that have run. A negative number, which no version writes, counts as too new.
async fn seen(connection: &mut SqliteConnection) -> sqlx::Result<usize> {
    let version: i64 = query_scalar("PRAGMA user_version").fetch_one(connection).await?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

const ATTEMPTS: u32 = 500;

const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(10);
