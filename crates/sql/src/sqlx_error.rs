//! Converts errors of SQLite and PostgreSQL into errors of stores.
//!
//! Start reading at [`failed`].

use doorward_core::StoreError;
use sqlx::{error::DatabaseError as _, sqlite::SqliteError};

/// Converts an error of SQLite or PostgreSQL. Returns `Exists` if a unique key is taken, `Full` if the disk is full,
/// and `Unavailable` otherwise.
///
/// # Examples
/// ```
/// use doorward_core::StoreError;
/// use doorward_sql::{SqliteFile, store_error};
///
/// async fn count(notes: &SqliteFile) -> Result<i64, StoreError> {
///     let count = sqlx::query_scalar("SELECT count(*) FROM notes");
///     count.fetch_one(notes.readers()).await.map_err(store_error)
/// }
/// ```
#[must_use]
pub fn failed(error: sqlx::Error) -> StoreError {
    let of_database = error.as_database_error();
    let is_taken = of_database.is_some_and(|error| error.is_unique_violation());
    let is_full = of_database.and_then(|error| error.code()).as_deref() == Some(DISK_FULL)
        || primary_code(&error) == Some(SQLITE_FULL);
    match error {
        _ if is_taken => StoreError::Exists,
        _ if is_full => StoreError::Full,
        error => StoreError::Unavailable(error.into()),
    }
}

/// Returns `Unavailable` for unexpected content of a row.
pub(crate) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Unavailable(Box::new(error))
}

/// Returns SQLite's primary result code, which is the low byte of the extended result code:
/// <https://www.sqlite.org/rescode.html>.
pub(crate) fn primary_code(error: &sqlx::Error) -> Option<u8> {
    let error = error.as_database_error()?.try_downcast_ref::<SqliteError>()?;
    let code: u32 = error.code()?.parse().ok()?;
    let [_, _, _, primary] = code.to_be_bytes();
    Some(primary)
}

/// SQLSTATE `disk_full` (PostgreSQL manual, appendix A).
const DISK_FULL: &str = "53100";

// Primary result codes of SQLite: <https://www.sqlite.org/rescode.html>.
pub(crate) const SQLITE_PERM: u8 = 3;
pub(crate) const SQLITE_BUSY: u8 = 5;
pub(crate) const SQLITE_READONLY: u8 = 8;
pub(crate) const SQLITE_CORRUPT: u8 = 11;
const SQLITE_FULL: u8 = 13;
pub(crate) const SQLITE_CANTOPEN: u8 = 14;
pub(crate) const SQLITE_NOTADB: u8 = 26;
