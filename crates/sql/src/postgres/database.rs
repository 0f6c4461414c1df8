//! Connects to PostgreSQL, and runs reads and transactions.

use doorward_core::{StoreError, StoreFuture};
use sqlx::{
    ConnectOptions as _, PgConnection, PgPool, Postgres,
    postgres::{PgArguments, PgConnectOptions, PgPoolOptions},
    query::Query,
};

use super::{ConnectError, schema};
use crate::{patience::PATIENCE, sqlx_error::failed};

/// Pool of connections to PostgreSQL. Clones share the pool.
#[derive(Clone)]
pub(crate) struct Database {
    pool: PgPool,
}

impl Database {
    pub(super) async fn connect(url: &str) -> Result<Self, ConnectError> {
        // The library's error is dropped, because it may quote the URL, including the password.
        let options: PgConnectOptions = url.parse().map_err(|_secret| ConnectError::Malformed)?;
        let milliseconds = PATIENCE.as_millis().to_string();
        let options = options
            .application_name("doorward")
            .options([("statement_timeout", &*milliseconds), ("lock_timeout", &*milliseconds)])
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .connect_with(options)
            .await
            .map_err(|error| ConnectError::Access(error.into()))?;
        schema::prepare(&pool).await?;
        Ok(Self { pool })
    }

    /// Runs a change in a transaction. The change runs to its end even if the caller drops the
    /// future.
    pub(crate) async fn write<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut PgConnection) -> StoreFuture<'c, T> + Send + 'static,
    {
        let pool = self.pool.clone();
        let changing = tokio::spawn(async move {
            let mut transaction = pool.begin().await.map_err(failed)?;
            // On an error, dropping the transaction rolls it back.
            let result = change(&mut transaction).await?;
            transaction.commit().await.map_err(failed)?;
            Ok(result)
        });
        changing.await.unwrap_or_else(|ended| Err(StoreError::Unavailable(ended.into())))
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

    pub(crate) fn readers(&self) -> &PgPool {
        &self.pool
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// Maximum number of connections in the pool. Few are needed, because accounts are read when a user
/// signs in and not when a client connects.
const CONNECTIONS: u32 = 10;
