//! Connection inside a transaction, and the locks that changes take.
//!
//! SQLite runs one change at a time. PostgreSQL runs them at the same time, so a change first takes the locks of what it
//! counts or numbers. All changes take them in the same order, so that no two changes wait for each other: first the
//! users, then rooms in the order of their ids.

use doorward::UserId;
use sqlx::{PgConnection, SqliteConnection, raw_sql};

use super::statement::{Row, Statement, sql};

/// Connection inside a transaction.
#[derive(Debug)]
pub struct Connection<'c>(Inner<'c>);

#[derive(Debug)]
enum Inner<'c> {
    Postgres(&'c mut PgConnection),
    Sqlite(&'c mut SqliteConnection),
}

impl Connection<'_> {
    /// Runs a statement, and returns its rows.
    pub(crate) async fn all<T: Row>(&mut self, statement: Statement) -> sqlx::Result<Vec<T>> {
        match &mut self.0 {
            Inner::Postgres(inner) => statement.on_postgres()?.fetch_all(&mut **inner).await,
            Inner::Sqlite(inner) => statement.on_sqlite()?.fetch_all(&mut **inner).await,
        }
    }

    /// Runs a statement, and returns its first row.
    pub(crate) async fn first<T: Row>(&mut self, statement: Statement) -> sqlx::Result<Option<T>> {
        match &mut self.0 {
            Inner::Postgres(inner) => statement.on_postgres()?.fetch_optional(&mut **inner).await,
            Inner::Sqlite(inner) => statement.on_sqlite()?.fetch_optional(&mut **inner).await,
        }
    }

    /// Runs a statement that always has a row, and returns this row.
    pub(crate) async fn one<T: Row>(&mut self, statement: Statement) -> sqlx::Result<T> {
        self.first(statement).await?.ok_or(sqlx::Error::RowNotFound)
    }

    /// Runs a statement without rows.
    pub(crate) async fn run(&mut self, statement: Statement) -> sqlx::Result<()> {
        self.all::<Nothing>(statement).await.map(drop)
    }

    /// Runs the statements of a migration.
    pub(crate) async fn migrate(&mut self, migration: &'static str) -> sqlx::Result<()> {
        match &mut self.0 {
            Inner::Postgres(inner) => raw_sql(migration).execute(&mut **inner).await.map(drop),
            Inner::Sqlite(inner) => raw_sql(migration).execute(&mut **inner).await.map(drop),
        }
    }

    /// Waits until no other change holds the lock of one of these users, and holds the locks until the transaction
    /// ends. A change that counts what a user has locks the user.
    pub(crate) async fn lock_users(&mut self, users: [&UserId; 2]) -> sqlx::Result<()> {
        let [one, other] = users.map(UserId::as_str);
        let lock = "SELECT pg_advisory_xact_lock($1::int4, key) FROM (SELECT DISTINCT hashtext(name) AS key \
             FROM (VALUES ($2), ($3)) AS names (name) ORDER BY key) AS keys";
        self.lock_rows(sql(lock).bind(USERS).bind(one).bind(other)).await
    }

    /// Waits until no other change holds this lock, and holds it until the transaction ends.
    pub(crate) async fn lock(&mut self, lock: i64) -> sqlx::Result<()> {
        self.lock_rows(sql("SELECT pg_advisory_xact_lock($1)").bind(lock)).await
    }

    /// Runs a statement that locks rows until the transaction ends, such as `SELECT .. FOR UPDATE`. Does nothing on
    /// SQLite, which has no such statements and no other change.
    pub(crate) async fn lock_rows(&mut self, statement: Statement) -> sqlx::Result<()> {
        match &mut self.0 {
            Inner::Postgres(_) => self.run(statement).await,
            Inner::Sqlite(_) => Ok(()),
        }
    }
}

impl<'c> From<&'c mut PgConnection> for Connection<'c> {
    fn from(inner: &'c mut PgConnection) -> Self {
        Self(Inner::Postgres(inner))
    }
}

impl<'c> From<&'c mut SqliteConnection> for Connection<'c> {
    fn from(inner: &'c mut SqliteConnection) -> Self {
        Self(Inner::Sqlite(inner))
    }
}

/// Row whose columns are not read.
struct Nothing;

impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for Nothing {
    fn from_row(_: &'r R) -> sqlx::Result<Self> {
        Ok(Self)
    }
}

/// First key of the advisory locks of users, which is `DoAp` in ASCII.
const USERS: i64 = 0x446f_4170;
