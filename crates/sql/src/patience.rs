//! Longest wait for a database.

use std::time::Duration;

/// Longest time that an operation waits for a connection, a lock, the disk or a statement of PostgreSQL. It fails with
/// `Unavailable` then.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
