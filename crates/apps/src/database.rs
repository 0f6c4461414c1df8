//! Opens the SQLite file in which all applications keep their data.
//!
//! Each application has its own tables, and a row in `application_versions` with the number of migrations that were
//! run. An application that was never mounted has no table. An application that was mounted earlier keeps its data,
//! and the data of a user is still deleted with the account ([`Database::forget`]). Start reading at
//! [`Database::open`].

use std::path::Path;

use doorward::{UserId, store::StoreError};
use doorward_sql::{OpenError, Schema, SqliteFile, store_error};
use sqlx::{SqliteConnection, query, query_as, raw_sql};

use crate::{application::Application, catalogue::ALL};

/// Database of the applications. There is no file if no application was ever mounted.
#[derive(Clone, Debug)]
pub struct Database(Option<File>);

#[derive(Clone, Debug)]
struct File {
    file: SqliteFile,
    /// Applications that have tables in the file, mounted or not.
    kept: Vec<&'static dyn Application>,
}

impl Database {
    /// Opens or creates the file, and migrates the tables of the mounted applications. If no application is
    /// mounted, a missing file is not created.
    ///
    /// # Errors
    /// Returns an [`OpenError`] that names the problem and the remedy.
    pub async fn open(
        path: &Path,
        mounted: &[&'static dyn Application],
    ) -> Result<Self, OpenError> {
        if mounted.is_empty() && !path.exists() {
            return Ok(Self(None));
        }
        let file = SqliteFile::open(path, &SCHEMA).await?;
        let failed =
            |error: StoreError| OpenError::Unusable { path: path.to_owned(), source: error.into() };
        let versions = versions(&file).await.map_err(failed)?;
        let mut kept = Vec::new();
        for app in ALL {
            let version = versions.iter().find(|(name, _)| name == app.name());
            let is_mounted = mounted.iter().any(|mounted| mounted.name() == app.name());
            if version.is_none() && !is_mounted {
                continue;
            }
            let seen =
                version.map_or(0, |(_, version)| usize::try_from(*version).unwrap_or(usize::MAX));
            if seen > app.schema().len() {
                return Err(OpenError::Newer { path: path.to_owned() });
            }
            // Write only if a migration is missing, so that the server starts on a full disk.
            if seen < app.schema().len() {
                let migrate = file.change(move |connection| Box::pin(migrate(connection, app)));
                migrate.await.map_err(failed)?;
            }
            kept.push(app);
        }
        Ok(Self(Some(File { file, kept })))
    }

    /// Returns the file, for [`Services`](crate::Services). Returns `None` if no application was ever mounted.
    #[must_use]
    pub fn file(&self) -> Option<&SqliteFile> {
        self.0.as_ref().map(|database| &database.file)
    }

    /// Deletes the data of a user from all applications, including those that are not mounted now, in one
    /// transaction.
    ///
    /// # Errors
    /// Returns the errors of [`SqliteFile::change`].
    pub async fn forget(&self, user: &UserId) -> Result<(), StoreError> {
        let Some(File { file, kept }) = self.0.clone() else { return Ok(()) };
        let user = user.clone();
        let forget = file.change(move |connection| {
            Box::pin(async move {
                for app in kept {
                    app.forget(&mut *connection, &user).await?;
                }
                Ok(())
            })
        });
        forget.await
    }

    /// Waits for running operations, and closes the file.
    pub async fn close(&self) {
        if let Some(file) = self.file() {
            file.close().await;
        }
    }
}

async fn versions(file: &SqliteFile) -> Result<Vec<(String, i64)>, StoreError> {
    let versions = query_as("SELECT name, version FROM application_versions");
    versions.fetch_all(file.readers()).await.map_err(store_error)
}

/// Runs the missing migrations of an application. The version is read again inside the transaction, because two
/// processes may open the file at the same time.
async fn migrate(
    connection: &mut SqliteConnection,
    app: &'static dyn Application,
) -> sqlx::Result<()> {
    let seen = query_as("SELECT version FROM application_versions WHERE name = ?").bind(app.name());
    let seen: Option<(i64,)> = seen.fetch_optional(&mut *connection).await?;
    let seen = seen.map_or(0, |(version,)| usize::try_from(version).unwrap_or(usize::MAX));
    for migration in app.schema().iter().skip(seen) {
        raw_sql(*migration).execute(&mut *connection).await?;
    }
    let mark = query("INSERT OR REPLACE INTO application_versions (name, version) VALUES (?, ?)");
    let version = i64::try_from(app.schema().len()).unwrap_or(i64::MAX);
    mark.bind(app.name()).bind(version).execute(connection).await.map(drop)
}

/// Application id of the file (`DoAp` in ASCII), and its migrations. The first three migrations created the tables
/// of both applications in every file. Since the fourth migration, each application migrates its own tables, so the
/// first three are empty now. Files from before the first migration have no application id, and are recognised by
/// their tables.
const SCHEMA: Schema = Schema::new(0x446f_4170, &[NOTHING, NOTHING, NOTHING, VERSIONS])
    .adopting(&["chat_keys", "chat_members", "chat_messages", "chat_rooms", "mole_best"]);

const NOTHING: &str = "SELECT 1";

/// Fourth migration. Older files may contain the tables of either application. The chat is at version 2 if its
/// second migration has created `chat_invitations`, and otherwise at version 0, because its first migration is
/// idempotent.
const VERSIONS: &str = "
CREATE TABLE application_versions (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO application_versions (name, version)
SELECT 'chat', iif(EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'chat_invitations'), 2, 0)
WHERE EXISTS (SELECT 1 FROM sqlite_schema WHERE name LIKE 'chat\\_%' ESCAPE '\\');
INSERT INTO application_versions (name, version)
SELECT 'whack-a-mole', 1 WHERE EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'mole_best');
";

#[cfg(test)]
mod tests;
