//! Why the database cannot be used.

use doorward_core::BoxError;

/// Why [`PostgresStore::connect`](crate::PostgresStore::connect) has not connected.
///
/// # Examples
/// ```
/// use doorward_sql::ConnectError;
///
/// let error = ConnectError::Newer;
/// assert_eq!(error.to_string(), "the tables are of a newer version: start that one");
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Nobody answers, the password is wrong, or the database is not there.
    #[error("PostgreSQL cannot be reached, or does not let this server in")]
    Access(#[source] BoxError),
    /// It is no URL of a PostgreSQL database.
    #[error("write postgres://USER:PASSWORD@HOST/DATABASE")]
    Malformed,
    /// A newer version has changed the tables.
    #[error("the tables are of a newer version: start that one")]
    Newer,
    /// The tables could not be made: the user must own the schema, or be allowed to create in it.
    #[error("the tables cannot be made or changed: let the user create tables in this database")]
    Tables(#[source] BoxError),
}

doorward_core::debug_as_sentence!(ConnectError);
