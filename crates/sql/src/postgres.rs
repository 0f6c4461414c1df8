//! Accounts in PostgreSQL, for servers on several machines.
//!
//! Sessions are absent: several servers keep them in Redis, which is asked at every connection. Start reading
//! at [`PostgresStore::connect`].

mod connect_error;
mod database;
mod schema;

use std::fmt;

pub use connect_error::ConnectError;
use database::Database;

use crate::accounts::account_store;

/// A store of accounts in a PostgreSQL database.
///
/// It implements [`AccountStore`](doorward_core::AccountStore); clones share the connections, 10 at the
/// most. A connection that was lost is made anew by itself. An operation that waits longer than 5 s is
/// [`Unavailable`](doorward_core::StoreError::Unavailable); a full disk is
/// [`Full`](doorward_core::StoreError::Full).
///
/// # Examples
/// ```no_run
/// use doorward_sql::{ConnectError, PostgresStore};
///
/// # async fn run() -> Result<(), ConnectError> {
/// let store = PostgresStore::connect("postgres://doorward:secret@db.example.org/doorward").await?;
/// # drop(store);
/// # Ok(())
/// # }
/// ```
///
/// # Security
/// Whether the connection is encrypted is the URL's to say: without `sslmode=verify-full` whoever is on the way
/// can be the database.
#[derive(Clone)]
pub struct PostgresStore {
    database: Database,
}

impl PostgresStore {
    /// Connects, and makes the tables or brings them up to date. Several servers may do so at once.
    ///
    /// # Errors
    /// [`ConnectError`] says what is wrong and what to do; it never repeats the URL.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Ok(Self { database: Database::connect(url).await? })
    }

    /// Waits for what is under way and closes all connections, of all clones.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

account_store!(
    crate::PostgresStore,
    sqlx::PgConnection,
    hold: "SELECT 1 FROM accounts WHERE id = $1 FOR UPDATE"
);
