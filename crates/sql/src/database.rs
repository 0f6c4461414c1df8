//! What is special about SQLite: how the file is opened, and how it is read and changed.
//!
//! Statements stand with what they are for, and are written so that another database understands them
//! too. One connection writes and several read, so that no writer of this process ever waits for another
//! one inside of the database; the queue in front of the writer is fair.
//! Start reading at [`Database::open`].

mod schema;

use std::{
    fs::OpenOptions,
    io,
    os::unix::fs::OpenOptionsExt,
    path::{self, Path},
    time::Duration,
};

use doorward_core::{BoxFuture, StoreError};
use sqlx::{
    ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool,
    error::DatabaseError as _,
    sqlite::{SqliteConnectOptions, SqliteError, SqlitePoolOptions, SqliteSynchronous},
};

use crate::OpenError;

/// The file; clones share the connections.
#[derive(Clone)]
pub(crate) struct Database {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Database {
    /// Opens the file, makes it if it is not there, and brings its tables up to date.
    pub(crate) async fn open(path: &Path) -> Result<Self, OpenError> {
        // An absolute path is never taken for a URI or for the name of a database in memory.
        let file = path::absolute(path).map_err(|source| OpenError::access(path, source))?;
        create(&file).map_err(|source| OpenError::access(path, source))?;
        let options = options(&file);
        let failed = |error| OpenError::of(path, error);
        let mut first = SqliteConnection::connect_with(&options).await.map_err(failed)?;
        schema::prepare(&mut first, path).await?;
        let readers = options.clone().read_only(true);
        let database = Self {
            writer: pool(1).connect_with(options).await.map_err(failed)?,
            readers: pool(READERS).connect_with(readers).await.map_err(failed)?,
        };
        // Only now: the last connection that is closed would tidy the file up.
        first.close().await.map_err(failed)?;
        Ok(database)
    }

    /// Makes a change as a whole or not at all, one after the other. It is made to its end also when
    /// nobody waits for it any more: a transaction that was left half-way would be in everybody's way.
    pub(crate) async fn write<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>>
            + Send
            + 'static,
    {
        let writer = self.writer.clone();
        let changing = tokio::spawn(async move {
            let mut connection = writer.acquire().await.map_err(failed)?;
            let result = transact(&mut connection, change).await;
            if matches!(result, Err(StoreError::Full | StoreError::Unavailable(_))) {
                // After some errors SQLite ends a transaction by itself. The driver does not notice,
                // and would begin no other one on this connection, ever.
                connection.close_on_drop();
            }
            result
        });
        match changing.await {
            Ok(result) => result,
            Err(ended) => Err(StoreError::Unavailable(ended.into())),
        }
    }

    /// Where to read: what was committed before is seen.
    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Where to write, for what needs no transaction of ours.
    #[cfg(test)]
    pub(crate) fn writer(&self) -> &SqlitePool {
        &self.writer
    }

    /// Waits for what is under way, and closes the file.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

async fn transact<T, F>(connection: &mut SqliteConnection, change: F) -> Result<T, StoreError>
where
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>>,
{
    // Immediate: a transaction that begins by reading could not wait for its turn to write.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    match change(&mut transaction).await {
        Ok(result) => {
            transaction.commit().await.map_err(failed)?;
            Ok(result)
        }
        Err(StoreError::Exists) => {
            transaction.rollback().await.map_err(failed)?;
            Err(StoreError::Exists)
        }
        Err(error) => {
            // It may be over already, and the first error is the one to tell.
            transaction.rollback().await.ok();
            Err(error)
        }
    }
}

/// What a store says when the database has failed.
pub(crate) fn failed(error: sqlx::Error) -> StoreError {
    let of_database = error.as_database_error();
    let is_taken = of_database.is_some_and(|error| error.is_unique_violation());
    let is_full = of_database.and_then(|error| error.code()).as_deref() == Some(DISK_FULL)
        || primary_code(&error) == Some(SQLITE_FULL);
    match error {
        _ if is_taken => StoreError::Exists,
        _ if is_full => StoreError::Full,
        error => StoreError::Unavailable(error.into()),
    }
}

/// What a store says when something stands in the file that nobody has written there.
pub(crate) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Unavailable(Box::new(error))
}

/// SQLite's result code without its refinement, see <https://www.sqlite.org/rescode.html>.
pub(crate) fn primary_code(error: &sqlx::Error) -> Option<u8> {
    let error = error.as_database_error()?.try_downcast_ref::<SqliteError>()?;
    let code: u32 = error.code()?.parse().ok()?;
    let [_, _, _, primary] = code.to_be_bytes();
    Some(primary)
}

/// Makes an empty file that only its owner may read. SQLite gives the files beside it the same mode.
///
/// A file that is there is not even opened: to close it would take away the locks of everybody in this
/// process who has it open too (<https://www.sqlite.org/howtocorrupt.html>, section 2.2).
fn create(file: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .busy_timeout(PATIENCE)
        .foreign_keys(true)
        // In WAL mode NORMAL would lose the last commits in a power cut: revocations are among them.
        .synchronous(SqliteSynchronous::Full)
        // The statements are ours, and what they carry is nobody's business.
        .disable_statement_logging()
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        // A connection to a file does not go away.
        .test_before_acquire(false)
}

/// Readers do not disturb each other; each is a thread.
const READERS: u32 = 4;

/// How long somebody waits for the writers before them, in this process and in others. Then nothing is
/// decided.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

const SQLITE_FULL: u8 = 13;

/// What PostgreSQL says (its manual, appendix A).
const DISK_FULL: &str = "53100";
