//! One SQLite file: how it is opened, read and changed.
//!
//! Everything that Doorward keeps in SQLite goes through [`SqliteFile`], so that one rule holds for all of it:
//! a change is answered once it is on the disk, and a connection whose transaction failed is never used again.
//! One connection writes and several read. No writer of this process waits for another one inside SQLite; the
//! queue in front of the writer is fair. Statements stand with what they are for.
//! Start reading at [`SqliteFile::open`].

mod presence;
mod schema;

use std::{
    fmt,
    fs::OpenOptions,
    io,
    os::unix::fs::OpenOptionsExt,
    path::{self, Path},
    sync::Arc,
    time::Duration,
};

use doorward_core::{BoxFuture, StoreError};
use sqlx::{
    ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool,
    error::DatabaseError as _,
    sqlite::{SqliteConnectOptions, SqliteError, SqlitePoolOptions, SqliteSynchronous},
};

use self::presence::{Misplaced, Presence};
pub use self::schema::Schema;
use crate::OpenError;

/// An SQLite file with the tables of one [`Schema`]; clones share the connections.
///
/// It is what [`SqlStore`](crate::SqlStore) keeps everything in, and is public for applications that keep
/// something of their own beside it.
///
/// # Durability
/// [`change`](Self::change) returns after the commit has reached the disk (WAL mode, `synchronous = FULL`), and
/// only while the file is still where it was opened. A change that fails has changed nothing. After an error
/// such as a full disk SQLite ends the transaction by itself, which the driver does not notice: later commits on
/// that connection would only release savepoints of a transaction that is never committed. Such a connection is
/// closed and replaced.
///
/// # Examples
/// ```
/// use doorward_sql::{Schema, SqliteFile};
/// use sqlx::query;
///
/// const NOTES: Schema = Schema::new(
///     0x4e6f_7465, // "Note"
///     &["CREATE TABLE notes (text TEXT NOT NULL) STRICT"],
/// );
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("notes.db");
/// let notes = SqliteFile::open(&path, &NOTES).await?;
/// notes
///     .change(|connection| {
///         Box::pin(async move {
///             query("INSERT INTO notes (text) VALUES (?)").bind("tea").execute(connection).await?;
///             Ok(())
///         })
///     })
///     .await?; // on the disk now
/// notes.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqliteFile {
    writer: SqlitePool,
    readers: SqlitePool,
    presence: Arc<Presence>,
}

impl SqliteFile {
    /// Opens the file, or makes it with mode 0600 in a folder that must be there, and brings its tables up to
    /// date.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong with the file and what to do. The file was not changed then.
    pub async fn open(path: impl AsRef<Path>, schema: &Schema) -> Result<Self, OpenError> {
        Self::open_with(path.as_ref(), schema, "").await
    }

    /// Opens the file; a new one runs the statements `on_new` first.
    pub(crate) async fn open_with(
        path: &Path,
        schema: &Schema,
        on_new: &str,
    ) -> Result<Self, OpenError> {
        // An absolute path is never taken for a URI or for the name of a database in memory.
        let file = path::absolute(path).map_err(|source| OpenError::access(path, source))?;
        create(&file).map_err(|source| OpenError::access(path, source))?;
        let options = options(&file);
        let failed = |error| OpenError::of(path, error);
        let mut first = SqliteConnection::connect_with(&options).await.map_err(failed)?;
        schema::prepare(&mut first, schema, on_new, path).await?;
        // The first read makes the log.
        let read = sqlx::query("SELECT count(*) FROM sqlite_schema").execute(&mut first);
        read.await.map_err(failed)?;
        let presence = Presence::of(&file).map_err(|source| OpenError::access(path, source))?;
        let presence = Arc::new(presence);
        let (writer, readers) = (pool(1, &presence), pool(READERS, &presence));
        let read_only = options.clone().read_only(true);
        let database = Self {
            writer: writer.connect_with(options).await.map_err(failed)?,
            readers: readers.connect_with(read_only).await.map_err(failed)?,
            presence,
        };
        open_all(&database.readers).await.map_err(failed)?;
        // Only now: the last connection that is closed would tidy the file up.
        first.close().await.map_err(failed)?;
        Ok(database)
    }

    /// Makes a change as a whole or not at all, one after the other. The statements of `change` run in one
    /// transaction that is alone in writing from its beginning (`BEGIN IMMEDIATE`).
    ///
    /// # Errors
    /// * [`StoreError::Exists`]: a row with that key is there already.
    /// * [`StoreError::Full`]: the disk has no room, or the quota is used up.
    /// * [`StoreError::Unavailable`]: the turn did not come within 5 s, the file is gone, or SQLite failed; the
    ///   source says which.
    ///
    /// # Cancel safety
    /// A change that has begun is made to its end, also when the future is dropped: a transaction that was left
    /// half-way would be in the way of all others.
    pub async fn change<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, sqlx::Result<T>>
            + Send
            + 'static,
    {
        self.write(|connection| Box::pin(async move { change(connection).await.map_err(failed) }))
            .await
    }

    /// As [`change`](Self::change), for stores whose changes fail with reasons of their own.
    pub(crate) async fn write<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>>
            + Send
            + 'static,
    {
        let (writer, presence) = (self.writer.clone(), Arc::clone(&self.presence));
        let changing = tokio::spawn(async move {
            let mut connection = writer.acquire().await.map_err(failed)?;
            let result = transact(&mut connection, "BEGIN IMMEDIATE", |connection| {
                Box::pin(async move {
                    let changed = change(connection).await?;
                    // A commit to a file that has no name any more would be lost with the process.
                    presence.check().await?;
                    Ok(changed)
                })
            });
            let result = result.await;
            if is_doubtful(&result) {
                connection.close_on_drop();
            }
            result
        });
        match changing.await {
            Ok(result) => result,
            Err(ended) => Err(StoreError::Unavailable(ended.into())),
        }
    }

    /// Runs several statements that read, all of which see the file as it was at one moment.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no connection was free within 5 s, or SQLite failed.
    ///
    /// # Cancel safety
    /// Nothing is changed, so nothing is lost.
    pub async fn read<T, F>(&self, look: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, sqlx::Result<T>>
            + Send
            + 'static,
    {
        let mut connection = self.readers.acquire().await.map_err(failed)?;
        let result = transact(&mut connection, "BEGIN", |connection| {
            Box::pin(async move { look(connection).await.map_err(failed) })
        });
        let result = result.await;
        if is_doubtful(&result) {
            connection.close_on_drop();
        }
        result
    }

    /// Shows that the file can be read, is still where it was opened, and that its disk has 1 MiB of room.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the reason.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.presence.check_room().await?;
        // It reads the first page.
        let read = sqlx::query("SELECT count(*) FROM sqlite_schema").execute(&self.readers);
        read.await.map(drop).map_err(failed)
    }

    /// Where to read with one statement: what was committed before is seen.
    #[must_use]
    pub fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Where to write, for what needs no transaction of ours.
    #[cfg(test)]
    pub(crate) fn writer(&self) -> &SqlitePool {
        &self.writer
    }

    /// Waits for what is under way, and closes the file. Later operations fail, of all clones.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

impl fmt::Debug for SqliteFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteFile").finish_non_exhaustive()
    }
}

async fn transact<T, F>(
    connection: &mut SqliteConnection,
    begin: &'static str,
    change: F,
) -> Result<T, StoreError>
where
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>>,
{
    let mut transaction = connection.begin_with(begin).await.map_err(failed)?;
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

/// Whether the driver may count a transaction that SQLite has ended by itself. On such a connection the driver
/// would begin savepoints from now on, and their release commits nothing. Where only the name of the file is in
/// doubt, the connection is the one that still leads to it.
fn is_doubtful<T>(result: &Result<T, StoreError>) -> bool {
    match result {
        Err(StoreError::Unavailable(cause)) => !cause.is::<Misplaced>(),
        Err(StoreError::Exists) | Ok(_) => false,
        Err(_) => true,
    }
}

/// Sorts what a database has said, SQLite or PostgreSQL, into what a store says: taken, full, or not available.
///
/// # Examples
/// ```
/// use doorward_core::StoreError;
/// use doorward_sql::{SqliteFile, store_error};
///
/// async fn count(notes: &SqliteFile) -> Result<i64, StoreError> {
///     let count = sqlx::query_scalar("SELECT count(*) FROM notes");
///     count.fetch_one(notes.readers()).await.map_err(store_error)
/// }
/// # drop(count);
/// ```
#[must_use]
pub fn failed(error: sqlx::Error) -> StoreError {
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

/// Maps unexpected content of the file to `Unavailable`.
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
/// A file that is there is not even opened: to close it would take away the locks of every other connection of
/// this process (<https://www.sqlite.org/howtocorrupt.html>, section 2.2).
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
        // Statements carry what users have written.
        .disable_statement_logging()
}

fn pool(connections: u32, presence: &Arc<Presence>) -> SqlitePoolOptions {
    let presence = Arc::clone(presence);
    SqlitePoolOptions::new()
        // A connection that replaces a closed one must not lead to another file of the same name.
        .after_connect(move |_, _| {
            let presence = Arc::clone(&presence);
            Box::pin(async move {
                presence
                    .check_file()
                    .await
                    .map_err(|misplaced| sqlx::Error::Configuration(misplaced.into()))
            })
        })
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        // A connection to a file does not go away.
        .test_before_acquire(false)
}

/// Opens every connection that a pool may have, so that reading needs no descriptor later, when there may be none.
async fn open_all(pool: &SqlitePool) -> sqlx::Result<()> {
    let mut open = Vec::new();
    for _ in 0..pool.options().get_max_connections() {
        open.push(pool.acquire().await?);
    }
    Ok(())
}

/// Readers do not disturb each other; each is a thread.
const READERS: u32 = 4;

/// How long a change waits for the writers before it, in this process and in others. Then nothing is decided.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

const SQLITE_FULL: u8 = 13;

/// What PostgreSQL says (its manual, appendix A).
const DISK_FULL: &str = "53100";
