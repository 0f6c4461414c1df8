//! Opens, reads and changes one SQLite file.
//!
//! Doorward reads and writes all its data in SQLite through [`SqliteFile`]. A change is acknowledged only after it is
//! on the disk. A connection is not used again after SQLite may have ended a transaction automatically. One connection
//! writes and several read. Writers of this process queue for the writing connection in fair order, so that they do not
//! compete for SQLite's lock. The statements are beside the code that uses them. Start reading at [`SqliteFile::open`].

mod presence;
mod schema;

use std::{
    fs::OpenOptions,
    io,
    os::unix::fs::OpenOptionsExt,
    path::{self, Path},
    sync::Arc,
};

use doorward_core::{BoxFuture, StoreError, StoreFuture};
use sqlx::{
    ConnectOptions as _, Connection as _, Sqlite, SqliteConnection, SqlitePool,
    query::Query,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous},
};

use self::presence::{Misplaced, Presence};
pub use self::schema::Schema;
use crate::{open_error::OpenError, patience::PATIENCE, sqlx_error::failed};

/// SQLite file with the tables of one [`Schema`]. Clones share the connections.
///
/// [`SqlStore`](crate::SqlStore) uses this type. It is public for applications that keep their own data with the
/// same guarantees.
///
/// # Durability
/// [`change`](Self::change) returns after the commit has reached the disk (WAL mode, `synchronous = FULL`), and
/// fails if the file was moved, removed or replaced since it was opened. A change that fails has changed nothing.
///
/// After an error such as a full disk, SQLite rolls the transaction back automatically, and the
/// driver does not notice. Later commits on that connection would only release savepoints of a
/// transaction that is never committed. Such a connection is closed and replaced.
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

/// A statement with its values.
pub(crate) type Statement = Query<'static, Sqlite, SqliteArguments>;

impl SqliteFile {
    /// Opens the file and migrates its tables. Creates the file with mode 0600 if it is missing. The folder must exist.
    ///
    /// # Errors
    /// Returns an [`OpenError`] that names the problem and the remedy. The data in an existing file is then
    /// unchanged.
    pub async fn open(path: impl AsRef<Path>, schema: &Schema) -> Result<Self, OpenError> {
        Self::open_with(path.as_ref(), schema, "").await
    }

    /// Opens the file as [`open`](Self::open) does. If the file is new, runs the statements `on_new` in the transaction
    /// that creates the tables.
    pub(crate) async fn open_with(
        path: &Path,
        schema: &Schema,
        on_new: &str,
    ) -> Result<Self, OpenError> {
        // SQLite interprets names such as `file:..` and `:memory:`, but never an absolute path.
        let file = path::absolute(path).map_err(|source| OpenError::access(path, source))?;
        create(&file).map_err(|source| OpenError::access(path, source))?;
        let options = options(&file);
        let failed = |error| OpenError::of(path, error);
        let mut first = SqliteConnection::connect_with(&options).await.map_err(failed)?;
        schema::prepare(&mut first, schema, on_new, path).await?;
        // The first read creates the write-ahead log, and `Presence` needs its inode.
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
        // This connection is closed last, because SQLite deletes the write-ahead log when the last connection of a file
        // is closed.
        first.close().await.map_err(failed)?;
        Ok(database)
    }

    /// Runs the statements of `change` in one transaction and returns their result. Changes run one after the
    /// other. Each change holds the write lock from its beginning (`BEGIN IMMEDIATE`).
    ///
    /// # Errors
    /// * [`StoreError::Exists`]: a row with that key exists.
    /// * [`StoreError::Full`]: the disk or the quota is full.
    /// * [`StoreError::Unavailable`]: waiting for other writers took longer than 5 s, the file is gone, or SQLite
    ///   failed. The source names the reason.
    ///
    /// # Cancel safety
    /// After its first poll, a change runs to its end even if the future is dropped. Otherwise an unfinished
    /// transaction would block all other changes.
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

    /// Runs a change as [`change`](Self::change) does, for stores whose changes return a [`StoreError`].
    pub(crate) async fn write<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> StoreFuture<'c, T> + Send + 'static,
    {
        let (writer, presence) = (self.writer.clone(), Arc::clone(&self.presence));
        let changing = tokio::spawn(async move {
            let mut connection = writer.acquire().await.map_err(failed)?;
            let result = transact(&mut connection, "BEGIN IMMEDIATE", |connection| {
                Box::pin(async move {
                    let changed = change(connection).await?;
                    // A commit to a file that was removed or replaced would be lost when the process ends.
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
        changing.await.unwrap_or_else(|ended| Err(StoreError::Unavailable(ended.into())))
    }

    /// Runs a change of one statement, and returns `true` if it has changed a row.
    pub(crate) async fn execute(&self, statement: Statement) -> Result<bool, StoreError> {
        let change = self.write(|connection| {
            Box::pin(async move {
                let changed = statement.execute(connection).await.map_err(failed)?;
                Ok(changed.rows_affected() > 0)
            })
        });
        change.await
    }

    /// Runs several reads in one transaction, so that all of them see the same snapshot.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if no connection was free within 5 s, or SQLite failed.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing, because it only reads.
    pub async fn read<T, F>(&self, look: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, sqlx::Result<T>>
            + Send
            + 'static,
    {
        // Unlike a change, a read is not spawned as a task. If it is dropped before it has ended, its transaction is
        // rolled back.
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

    /// Verifies that the file can be read, that it was not removed or replaced, and that its disk has 1 MiB free.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the reason as its source.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.presence.check_room().await?;
        // Reads the first page of the file.
        let read = sqlx::query("SELECT count(*) FROM sqlite_schema").execute(&self.readers);
        read.await.map(drop).map_err(failed)
    }

    /// Returns the pool of reading connections, for reads of one statement. A read sees all changes that were committed
    /// before it.
    #[must_use]
    pub fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Returns the pool with the writing connection, for tests that write without a transaction.
    #[cfg(test)]
    pub(crate) fn writer(&self) -> &SqlitePool {
        &self.writer
    }

    /// Waits for running operations and closes the file. Later operations of all clones fail.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

doorward_core::debug_fields!(SqliteFile {});

async fn transact<T, F>(
    connection: &mut SqliteConnection,
    begin: &'static str,
    change: F,
) -> Result<T, StoreError>
where
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> StoreFuture<'c, T>,
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
            // SQLite may have rolled the transaction back already, so this rollback may fail. The first error is
            // reported.
            transaction.rollback().await.ok();
            Err(error)
        }
    }
}

/// Returns `true` if SQLite may have ended the transaction without the driver noticing.
///
/// The driver counts open transactions. On such a connection, it would begin savepoints instead of transactions,
/// and releasing a savepoint does not commit. If the file was only removed or replaced ([`Misplaced`]), the
/// connection is kept. This connection still leads to the opened file, and a new connection would lead to another
/// file.
fn is_doubtful<T>(result: &Result<T, StoreError>) -> bool {
    match result {
        Err(StoreError::Unavailable(cause)) => !cause.is::<Misplaced>(),
        Err(StoreError::Exists) | Ok(_) => false,
        Err(_) => true,
    }
}

/// Creates an empty file that only its owner may read. SQLite gives its log files the same mode.
///
/// A file that exists is not opened. Closing it would cancel the POSIX locks that other connections of this process
/// hold on it (<https://www.sqlite.org/howtocorrupt.html>, section 2.2).
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
        // With `NORMAL`, a power cut could lose the last commits in WAL mode, including revocations.
        .synchronous(SqliteSynchronous::Full)
        // Statement logging is disabled, because statements contain data of users.
        .disable_statement_logging()
}

fn pool(connections: u32, presence: &Arc<Presence>) -> SqlitePoolOptions {
    let presence = Arc::clone(presence);
    SqlitePoolOptions::new()
        // A connection that replaces a closed one must not open another file of the same name.
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
        // Connections are never recycled, because a new one cannot be opened without a free file descriptor.
        .idle_timeout(None)
        .max_lifetime(None)
        // A connection to a local file does not break, so testing it before each use would only take time.
        .test_before_acquire(false)
}

/// Opens all connections of a pool, so that reads need no new file descriptor when the process has none left.
async fn open_all(pool: &SqlitePool) -> sqlx::Result<()> {
    let mut open = Vec::new();
    for _ in 0..pool.options().get_max_connections() {
        open.push(pool.acquire().await?);
    }
    Ok(())
}

/// Number of reading connections. In WAL mode, readers do not block each other or the writer. Each connection has a
/// thread.
const READERS: u32 = 4;
