//! Connects to PostgreSQL, and runs reads and transactions.
//!
//! A connection that has failed or given no answer is closed, because it may never answer again. The statements are
//! beside the code that uses them. Start reading at [`PostgresDatabase::change`].

use std::time::Duration;

use doorward_core::{BoxFuture, StoreError, StoreFuture};
use sqlx::{
    ConnectOptions as _, Connection as _, PgConnection, PgPool, Postgres,
    postgres::{PgArguments, PgConnectOptions, PgPoolOptions},
    query::Query,
};
use tokio::time::timeout;

use super::ConnectError;
use crate::{patience::PATIENCE, sqlx_error::failed};

/// PostgreSQL database with tables of an application. Clones share a pool of up to 10 connections, which replaces
/// lost connections.
///
/// [`PostgresStore`](crate::PostgresStore) uses this type. It is public for applications that keep their own data in
/// PostgreSQL.
///
/// # Durability
/// [`change`](Self::change) returns after PostgreSQL has confirmed the commit. A change that fails has changed
/// nothing, with one exception: if the connection is lost during the commit, the change may have been made. Such a
/// change fails with [`StoreError::Unavailable`].
///
/// # Examples
/// ```no_run
/// use doorward_sql::PostgresDatabase;
/// use sqlx::query;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let notes = PostgresDatabase::connect("postgres://doorward:secret@db.example.org/notes").await?;
/// notes
///     .change(|connection| {
///         Box::pin(async move {
///             query("INSERT INTO notes (text) VALUES ($1)").bind("tea").execute(connection).await?;
///             Ok(())
///         })
///     })
///     .await?; // committed now
/// # Ok(())
/// # }
/// ```
///
/// # Security
/// The URL decides if the connection is encrypted. Without `sslmode=verify-full`, an attacker on the network path
/// can impersonate the database.
#[derive(Clone)]
pub struct PostgresDatabase {
    pool: PgPool,
}

impl PostgresDatabase {
    /// Connects. Creates no tables.
    ///
    /// # Errors
    /// [`ConnectError::Access`] or [`ConnectError::Malformed`]. They never contain the URL.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        // The library's error is dropped, because it may quote the URL, including the password.
        let options: PgConnectOptions = url.parse().map_err(|_secret| ConnectError::Malformed)?;
        let milliseconds = PATIENCE.as_millis().to_string();
        let options = options
            .application_name("doorward")
            .options([
                ("statement_timeout", &*milliseconds),
                ("lock_timeout", &*milliseconds),
                // Otherwise a server that has vanished from the network holds its locks for hours.
                ("idle_in_transaction_session_timeout", &*milliseconds),
            ])
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .connect_with(options)
            .await
            .map_err(|error| ConnectError::Access(error.into()))?;
        Ok(Self { pool })
    }

    /// Runs the statements of `change` in one transaction and returns their result. Changes run at the same time,
    /// in isolation level `READ COMMITTED`: lock the rows that must not change.
    ///
    /// # Errors
    /// * [`StoreError::Exists`]: a row with that key exists.
    /// * [`StoreError::Full`]: the disk is full.
    /// * [`StoreError::Unavailable`]: waiting for a connection, a lock or a statement took longer than 5 s, or the
    ///   connection was lost. The source names the reason.
    ///
    /// # Cancel safety
    /// After its first poll, a change runs to its end even if the future is dropped.
    pub async fn change<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut PgConnection) -> BoxFuture<'c, sqlx::Result<T>> + Send + 'static,
    {
        self.write(|connection| Box::pin(async move { change(connection).await.map_err(failed) }))
            .await
    }

    /// Runs a change as [`change`](Self::change) does, for stores whose changes return a [`StoreError`].
    pub(crate) async fn write<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut PgConnection) -> StoreFuture<'c, T> + Send + 'static,
    {
        self.run(|connection| Box::pin(transact(connection, "BEGIN", change))).await
    }

    /// Runs a change of one statement, and returns `true` if it has changed a row.
    pub(crate) async fn execute(
        &self,
        statement: Query<'static, Postgres, PgArguments>,
    ) -> Result<bool, StoreError> {
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
    /// [`StoreError::Unavailable`], as for [`change`](Self::change).
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing, because it only reads.
    pub async fn read<T, F>(&self, look: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut PgConnection) -> BoxFuture<'c, sqlx::Result<T>> + Send + 'static,
    {
        const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        self.run(|connection| {
            Box::pin(transact(connection, SNAPSHOT, |connection| {
                Box::pin(async move { look(connection).await.map_err(failed) })
            }))
        })
        .await
    }

    /// Runs one read without a transaction, which saves two round trips.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], as for [`change`](Self::change).
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing, because it only reads.
    pub async fn look_up<T, F>(&self, look: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut PgConnection) -> BoxFuture<'c, sqlx::Result<T>> + Send + 'static,
    {
        self.run(|connection| Box::pin(async move { look(connection).await.map_err(failed) })).await
    }

    /// Verifies that PostgreSQL answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the reason as its source.
    pub async fn check(&self) -> Result<(), StoreError> {
        let ask = self.look_up(|connection| {
            Box::pin(async move { sqlx::query("SELECT 1").execute(connection).await.map(drop) })
        });
        ask.await
    }

    pub(crate) fn readers(&self) -> &PgPool {
        &self.pool
    }

    /// Waits for running operations and closes all connections. Later operations of all clones fail.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Runs `work` with a connection, in a task of its own. If it fails or does not end, its connection is closed: it
    /// may be lost without a word, and the pool would wait for it when it is returned.
    async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut PgConnection) -> StoreFuture<'c, T> + Send + 'static,
    {
        let pool = self.pool.clone();
        let running = tokio::spawn(async move {
            let mut connection = pool.acquire().await.map_err(failed)?;
            let done = timeout(SILENCE, work(&mut connection)).await;
            let result = done.unwrap_or_else(|late| Err(StoreError::Unavailable(late.into())));
            if matches!(result, Err(StoreError::Unavailable(_))) {
                // Its place in the pool is free at once.
                drop(connection.detach());
            }
            result
        });
        running.await.unwrap_or_else(|ended| Err(StoreError::Unavailable(ended.into())))
    }
}

doorward_core::debug_fields!(PostgresDatabase {});

async fn transact<T, F>(
    connection: &mut PgConnection,
    begin: &'static str,
    change: F,
) -> Result<T, StoreError>
where
    F: for<'c> FnOnce(&'c mut PgConnection) -> StoreFuture<'c, T>,
{
    let mut transaction = connection.begin_with(begin).await.map_err(failed)?;
    // On an error, dropping the transaction rolls it back.
    let result = change(&mut transaction).await?;
    transaction.commit().await.map_err(failed)?;
    Ok(result)
}

/// Maximum number of connections in the pool. Few are needed, because accounts are read when a user signs in, and the
/// statements of the applications are short.
const CONNECTIONS: u32 = 10;

/// Maximum time of a transaction. PostgreSQL ends statements after [`PATIENCE`], so a longer silence means that the
/// connection is lost. Then the operation fails with `Unavailable`.
const SILENCE: Duration = PATIENCE.saturating_mul(2);
