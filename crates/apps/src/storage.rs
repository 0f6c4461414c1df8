//! Decides what a client receives when the database of the applications fails.

use doorward::{Exception, store::StoreError};

/// Returns the exception that a client receives for a failed database operation. Logs the cause.
pub(crate) fn not_kept(error: &StoreError) -> Exception {
    let cause = std::error::Error::source(error);
    tracing::warn!(%error, cause, "A change was refused: it could not be stored.");
    match error {
        StoreError::Full => Exception::new("storage_full", "There is no room to keep this"),
        _ => Exception::new("unavailable", "Try again later"),
    }
}
