//! Keeps accounts in PostgreSQL, for servers on several machines, and opens databases of applications.
//!
//! [`PostgresStore`] deliberately does not keep sessions. Several servers share their sessions in Redis, which admission reads
//! for every connection. Start reading at [`PostgresStore::connect`].

mod connect_error;
mod database;
mod schema;

pub use connect_error::ConnectError;
pub use database::PostgresDatabase;
pub use schema::Tables;

use crate::accounts::account_store;

/// Store of accounts in a PostgreSQL database.
///
/// It implements [`AccountStore`](doorward_core::AccountStore). Clones share a pool of up to 10 connections, which
/// replaces lost connections. An operation that waits longer than 5 s for a connection, a lock or a statement fails
/// with [`Unavailable`](doorward_core::StoreError::Unavailable). On a full disk, a change fails with
/// [`Full`](doorward_core::StoreError::Full).
///
/// # Examples
/// ```no_run
/// use doorward_sql::{ConnectError, PostgresStore};
///
/// # async fn run() -> Result<(), ConnectError> {
/// let store = PostgresStore::connect("postgres://doorward:secret@db.example.org/doorward").await?;
/// # Ok(())
/// # }
/// ```
///
/// # Security
/// The URL decides if the connection is encrypted. Without `sslmode=verify-full`, an attacker on the network path
/// can impersonate the database.
#[derive(Clone)]
pub struct PostgresStore {
    database: PostgresDatabase,
}

impl PostgresStore {
    /// Connects, and creates or migrates the tables. Several servers may connect at the same time.
    ///
    /// # Errors
    /// Returns a [`ConnectError`] that names the problem. It never contains the URL.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        let database = PostgresDatabase::connect(url).await?;
        schema::prepare(database.readers()).await?;
        Ok(Self { database })
    }

    /// Connects and examines the tables, and changes nothing.
    ///
    /// # Errors
    /// Returns the [`ConnectError`] with which [`connect`](Self::connect) would fail, also if the user may not create
    /// tables.
    ///
    /// # Examples
    /// ```no_run
    /// use doorward_sql::{ConnectError, PostgresStore, Tables};
    ///
    /// # async fn run() -> Result<(), ConnectError> {
    /// let found = PostgresStore::examine("postgres://doorward:secret@db.example.org/doorward").await?;
    /// if found == Tables::Missing {
    ///     println!("the first server that starts creates the tables");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn examine(url: &str) -> Result<Tables, ConnectError> {
        let database = PostgresDatabase::connect(url).await?;
        let found = schema::examine(&database).await;
        database.close().await;
        found
    }

    /// Waits for running operations and closes all connections. Later operations of all clones fail.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

doorward_core::debug_fields!(PostgresStore {});

account_store!(
    crate::PostgresStore,
    sqlx::PgConnection,
    hold: "SELECT 1 FROM accounts WHERE id = $1 FOR UPDATE"
);
