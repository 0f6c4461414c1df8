//! Store of sessions, tickets, revocations and accounts in an SQLite file.

mod revocations;
mod sessions;
#[cfg(test)]
mod tests;
mod tickets;

use std::{path::Path, time::SystemTime};

use doorward_core::{RevocationState, StoreError};

use crate::{
    accounts::account_store,
    audit::SqlAudit,
    open_error::OpenError,
    sqlite_file::{Schema, SqliteFile},
    time::to_millis_up,
};

/// Store of sessions, tickets, revocations and accounts in one SQLite file.
///
/// It implements [`SessionStore`](doorward_core::SessionStore), [`TicketStore`](doorward_core::TicketStore),
/// [`RevocationStore`](doorward_core::RevocationStore) and [`AccountStore`](doorward_core::AccountStore). Clones
/// share the file, and several processes on one machine may open it. An operation that waits longer than 5 s for
/// other operations fails with [`Unavailable`](doorward_core::StoreError::Unavailable). On a full disk, a change
/// fails with [`Full`](doorward_core::StoreError::Full).
///
/// # Examples
/// ```
/// use doorward_sql::{OpenError, SqlStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("doorward.db");
/// let store = SqlStore::open(&path).await?;
/// // .. serve ..
/// store.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqlStore {
    database: SqliteFile,
}

/// Application id, which is "Door" in ASCII, and migrations. A released migration never changes.
pub(crate) const SCHEMA: Schema = Schema::new(
    0x446f_6f72,
    &[
        include_str!("../migrations/sqlite/0001_sessions.sql"),
        include_str!("../migrations/sqlite/0002_audit.sql"),
        include_str!("../migrations/sqlite/0003_accounts.sql"),
        include_str!("../migrations/sqlite/0004_floor.sql"),
        include_str!("../migrations/sqlite/0005_audit_fault.sql"),
    ],
);

impl SqlStore {
    /// Opens the file and migrates tables of an older version. Creates the file with mode 0600 if it is missing. The
    /// folder must exist.
    ///
    /// # Errors
    /// Returns an [`OpenError`] that names the problem and the remedy. The data in an existing file is then
    /// unchanged.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Ok(Self { database: SqliteFile::open(path, &SCHEMA).await? })
    }

    /// Opens the file as [`open`](Self::open) does. If the file is new, the store permanently rejects every credential
    /// that was issued before `at`.
    ///
    /// Use this method for a server that has lost its file. The revocations were lost with it, and revoked tokens
    /// that have not expired would be accepted again.
    ///
    /// # Errors
    /// Same as [`open`](Self::open).
    pub async fn open_refusing_before(
        path: impl AsRef<Path>,
        at: SystemTime,
    ) -> Result<Self, OpenError> {
        let floor = floor(at);
        let opened = SqliteFile::open_with(path.as_ref(), &SCHEMA, &floor).await;
        Ok(Self { database: opened? })
    }

    /// Returns a sink that writes audit records to the same file.
    ///
    /// # Panics
    /// Panics outside a Tokio runtime, because it spawns a task.
    #[must_use]
    pub fn audit(&self) -> SqlAudit {
        SqlAudit::start(self.database.clone())
    }

    /// Verifies that the file can be read, that it was not removed or replaced, and that its disk has 1 MiB free.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the reason as its source.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.database.check().await
    }

    /// Waits for running operations and closes the file. Later operations of all clones fail.
    ///
    /// Calling it is optional, because acknowledged changes are on the disk already. Closing merges the write-ahead log
    /// into the file, so that the file alone contains all data.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

doorward_core::debug_fields!(SqlStore {});

/// Returns the statement that sets the floor to `at`. Every credential of any user that was issued before the floor
/// is rejected.
fn floor(at: SystemTime) -> String {
    let (generation, at) = (RevocationState::default().next_generation(at), to_millis_up(at));
    format!("INSERT INTO floor (id, generation, revoked_at) VALUES (1, {generation}, {at})")
}

// SQLite has no row locks. None are needed, because `BEGIN IMMEDIATE` excludes all other writers.
account_store!(crate::SqlStore, sqlx::SqliteConnection, hold: "SELECT 1 FROM accounts WHERE id = $1");
