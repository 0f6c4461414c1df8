//! Reasons why a store cannot use a PostgreSQL database.

use doorward_core::BoxError;

/// Reason why [`PostgresStore::connect`](crate::PostgresStore::connect) has failed.
///
/// # Examples
/// ```
/// use doorward_sql::ConnectError;
///
/// let error = ConnectError::Newer;
/// assert_eq!(error.to_string(), "a newer version has changed the tables: start that version");
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The server does not answer, rejects the user or the password, or has no such database.
    #[error("PostgreSQL cannot be reached, or rejects the user or the database in the URL")]
    Access(#[source] BoxError),
    /// The URL cannot be parsed.
    #[error("write postgres://USER:PASSWORD@HOST/DATABASE")]
    Malformed,
    /// A newer version of this crate has changed the tables.
    #[error("a newer version has changed the tables: start that version")]
    Newer,
    /// The tables cannot be created or changed. The user must own the schema or have `CREATE` on it.
    #[error("the tables cannot be created or changed: let the user create tables in this database")]
    Tables(#[source] BoxError),
}

doorward_core::debug_as_sentence!(ConnectError);
