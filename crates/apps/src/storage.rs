//! Tells a client that a change could not be kept.

use doorward::{Exception, StoreError};

/// Turns a failure of the database into what the client reads, and logs its cause.
pub(crate) fn not_kept(error: &StoreError) -> Exception {
    let cause = std::error::Error::source(error);
    tracing::warn!(%error, cause, "A change was refused: it could not be kept.");
    match error {
        StoreError::Full => Exception::new("storage_full", "There is no room to keep this"),
        _ => Exception::new("unavailable", "Try again later"),
    }
}
