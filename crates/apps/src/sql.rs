//! Reads and changes the tables of the applications, in SQLite or in PostgreSQL.
//!
//! Every statement of the applications is in SQL that both databases understand, with the placeholders `$1`, `$2`. What
//! differs is here and in [`Connection`]: only PostgreSQL runs changes at the same time, so only there are rows locked.
//! Start reading at [`SqlDatabase::change`].

mod connection;
mod statement;

use doorward::store::{BoxFuture, StoreError};
use doorward_sql::{PostgresDatabase, SqliteFile};

pub use connection::Connection;
pub(crate) use statement::{Row, Statement, sql};

/// Database with the tables of all applications. Clones share the connections.
#[derive(Clone, Debug)]
pub struct SqlDatabase(Kind);

/// Migrations that create the tables of an application, in order. Never change a released migration. Append new
/// migrations.
#[derive(Clone, Copy, Debug)]
pub struct Migrations {
    /// Migrations in PostgreSQL.
    pub postgres: &'static [&'static str],
    /// Migrations in SQLite.
    pub sqlite: &'static [&'static str],
}

#[derive(Clone, Debug)]
enum Kind {
    Postgres(PostgresDatabase),
    Sqlite(SqliteFile),
}

impl SqlDatabase {
    /// Returns those migrations that are for this database.
    pub(crate) fn of(&self, migrations: Migrations) -> &'static [&'static str] {
        match self.0 {
            Kind::Postgres(_) => migrations.postgres,
            Kind::Sqlite(_) => migrations.sqlite,
        }
    }

    /// Returns `true` if other nodes read and change the same tables.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.0, Kind::Postgres(_))
    }

    /// Runs the statements of `change` in one transaction. It runs to its end even if the future is dropped. If it
    /// succeeds, it is committed.
    pub(crate) async fn change<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(Connection<'c>) -> BoxFuture<'c, sqlx::Result<T>> + Send + 'static,
    {
        match &self.0 {
            Kind::Postgres(database) => database.change(|inner| change(inner.into())).await,
            Kind::Sqlite(file) => file.change(|inner| change(inner.into())).await,
        }
    }

    /// Runs several reads, all of which see the same snapshot.
    pub(crate) async fn read<T, F>(&self, look: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(Connection<'c>) -> BoxFuture<'c, sqlx::Result<T>> + Send + 'static,
    {
        match &self.0 {
            Kind::Postgres(database) => database.read(|inner| look(inner.into())).await,
            Kind::Sqlite(file) => file.read(|inner| look(inner.into())).await,
        }
    }

    /// Runs one read, and returns its rows.
    pub(crate) async fn all<T: Row>(&self, statement: Statement) -> Result<Vec<T>, StoreError> {
        match &self.0 {
            Kind::Postgres(database) => {
                let read = database.look_up(|inner| {
                    Box::pin(async move { Connection::from(inner).all(statement).await })
                });
                read.await
            }
            Kind::Sqlite(file) => statement.read(file.readers()).await,
        }
    }

    /// Runs one read, and returns its first row.
    pub(crate) async fn first<T: Row>(
        &self,
        statement: Statement,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.all(statement).await?.into_iter().next())
    }

    /// Runs one read of one value that is `true` or `false`. Returns `false` if there is no row.
    pub(crate) async fn holds(&self, statement: Statement) -> Result<bool, StoreError> {
        Ok(self.first(statement).await?.is_some_and(|(holds,)| holds))
    }

    /// Verifies that the database answers, and that the disk of a file has room.
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        match &self.0 {
            Kind::Postgres(database) => database.check().await,
            Kind::Sqlite(file) => file.check().await,
        }
    }

    /// Waits for running operations and closes the connections.
    pub(crate) async fn close(&self) {
        match &self.0 {
            Kind::Postgres(database) => database.close().await,
            Kind::Sqlite(file) => file.close().await,
        }
    }
}

impl From<PostgresDatabase> for SqlDatabase {
    fn from(database: PostgresDatabase) -> Self {
        Self(Kind::Postgres(database))
    }
}

impl From<SqliteFile> for SqlDatabase {
    fn from(file: SqliteFile) -> Self {
        Self(Kind::Sqlite(file))
    }
}
