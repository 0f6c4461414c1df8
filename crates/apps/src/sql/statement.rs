//! Statement with its values, for either database.

use sqlx::{
    Arguments, Encode, FromRow, Pool, Postgres, Sqlite, Type,
    postgres::{PgArguments, PgRow},
    query::QueryAs,
    query_as_with,
    sqlite::{SqliteArguments, SqliteRow},
};

use doorward::store::StoreError;
use doorward_sql::store_error;

/// Row that can be read from either database.
pub(crate) trait Row:
    for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin + 'static
{
}

impl<T> Row for T where
    T: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin + 'static
{
}

/// Statement with its values.
pub(crate) struct Statement {
    text: &'static str,
    values: Vec<Value>,
}

pub(crate) enum Value {
    Number(i64),
    Text(Option<String>),
}

/// Returns a statement without values. Placeholders are `$1`, `$2` and so on.
pub(crate) fn sql(text: &'static str) -> Statement {
    Statement { text, values: Vec::new() }
}

impl Statement {
    /// Sets the value of the next placeholder.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    pub(super) fn on_postgres<T: Row>(
        self,
    ) -> sqlx::Result<QueryAs<'static, Postgres, T, PgArguments>> {
        Ok(query_as_with(self.text, arguments(self.values)?))
    }

    pub(super) fn on_sqlite<T: Row>(
        self,
    ) -> sqlx::Result<QueryAs<'static, Sqlite, T, SqliteArguments>> {
        Ok(query_as_with(self.text, arguments(self.values)?))
    }

    /// Runs a read on a connection of a pool, and returns its rows.
    pub(super) async fn read<T: Row>(self, pool: &Pool<Sqlite>) -> Result<Vec<T>, StoreError> {
        self.on_sqlite().map_err(store_error)?.fetch_all(pool).await.map_err(store_error)
    }
}

fn arguments<A: Arguments>(values: Vec<Value>) -> sqlx::Result<A>
where
    i64: for<'t> Encode<'t, A::Database> + Type<A::Database>,
    Option<String>: for<'t> Encode<'t, A::Database> + Type<A::Database>,
{
    let mut arguments = A::default();
    for value in values {
        let added = match value {
            Value::Number(number) => arguments.add(number),
            Value::Text(text) => arguments.add(text),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}
