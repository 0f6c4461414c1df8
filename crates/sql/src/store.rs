//! The store of sessions, tickets and revocations.

mod epochs;
mod sessions;
#[cfg(test)]
mod tests;
mod tickets;

use std::{fmt, path::Path, time::SystemTime};

use doorward_core::StoreError;

use crate::{OpenError, Schema, SqlAudit, SqliteFile, accounts::account_store};

/// A store that keeps everything in one SQLite file.
///
/// It implements [`SessionStore`](doorward_core::SessionStore),
/// [`TicketStore`](doorward_core::TicketStore), [`Epochs`](doorward_core::Epochs) and
/// [`AccountStore`](doorward_core::AccountStore); clones share the file. Several processes of one machine may
/// open the same file. An operation that waits longer than 5 s for its turn is [`Unavailable`](doorward_core::StoreError::Unavailable); a full disk is
/// [`Full`](doorward_core::StoreError::Full).
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

/// "Door", and what makes an empty file into one of this version. What was released never changes.
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
    /// Opens the file, or makes it: with mode 0600, in a folder that must be there. Tables of an older
    /// version are brought up to date.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong with the file and what to do. It was not changed then.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Ok(Self { database: SqliteFile::open(path, &SCHEMA).await? })
    }

    /// Opens the file as [`open`](Self::open) does. If it is new, everything that was made before `at` is refused
    /// in it, for good.
    ///
    /// It is for a server that had a file before: with it went what was revoked, and tokens that outlive the file
    /// would open the door again.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_refusing_before(
        path: impl AsRef<Path>,
        at: SystemTime,
    ) -> Result<Self, OpenError> {
        let floor = epochs::floor(at);
        let opened = SqliteFile::open_with(path.as_ref(), &SCHEMA, &floor).await;
        Ok(Self { database: opened? })
    }

    /// Returns a sink that writes audit records to the same file.
    ///
    /// # Panics
    /// Outside of a tokio runtime: it starts a task.
    #[must_use]
    pub fn audit(&self) -> SqlAudit {
        SqlAudit::start(self.database.clone())
    }

    /// Shows that the file can be read, is still where it was opened, and that its disk has 1 MiB of room.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the reason.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.database.check().await
    }

    /// Waits for what is under way and closes the file. Later operations fail, of all clones.
    ///
    /// It need not be called: what was answered is on the disk. It folds the log into the file, so that
    /// the file alone is a whole copy.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

impl fmt::Debug for SqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStore").finish_non_exhaustive()
    }
}

// A transaction that writes is alone from its beginning on.
account_store!(crate::SqlStore, sqlx::SqliteConnection, hold: "SELECT 1 FROM accounts WHERE id = $1");
