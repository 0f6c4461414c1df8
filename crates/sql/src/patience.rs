//! Time limit for operations of a database.

use std::time::Duration;

/// Maximum time that an operation waits for a connection, a lock, the disk or a statement of
/// PostgreSQL. On timeout, the operation fails with `Unavailable`.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
