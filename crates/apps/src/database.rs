//! Opens the database in which all applications keep their data: a SQLite file, or PostgreSQL.
//!
//! Each application has its own tables, and a row in `application_versions` with the number of migrations that were
//! run. An application that was never mounted has no table. An application that was mounted earlier keeps its data,
//! and the data of a user is still deleted with the account ([`Database::forget`]). Start reading at
//! [`Database::open`].

use std::path::Path;

use doorward::{UserId, store::StoreError};
use doorward_sql::{ConnectError, OpenError, PostgresDatabase, Schema, SqliteFile};

use crate::{
    application::Application,
    catalogue::ALL,
    sql::{Connection, SqlDatabase, sql},
};

/// Database of the applications. There is no file if no application was ever mounted.
#[derive(Clone, Debug)]
pub struct Database(Option<SqlDatabase>);

impl Database {
    /// Opens or creates the SQLite file, and migrates the tables of the mounted applications. If no application is
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
        let database = SqlDatabase::from(SqliteFile::open(path, &SCHEMA).await?);
        match prepare(&database, mounted).await {
            Ok(true) => Ok(Self(Some(database))),
            Ok(false) => Err(OpenError::Newer { path: path.to_owned() }),
            Err(error) => Err(OpenError::Unusable { path: path.to_owned(), source: error.into() }),
        }
    }

    /// Connects to PostgreSQL, and migrates the tables of the mounted applications. Several servers may connect at
    /// the same time. Also connects if no application is mounted here, because another server may have tables.
    ///
    /// # Errors
    /// Returns a [`ConnectError`] that names the problem. It never contains the URL.
    pub async fn connect(
        url: &str,
        mounted: &[&'static dyn Application],
    ) -> Result<Self, ConnectError> {
        let database = SqlDatabase::from(PostgresDatabase::connect(url).await?);
        let prepared = async {
            create_versions(&database).await?;
            prepare(&database, mounted).await
        };
        match prepared.await {
            Ok(true) => Ok(Self(Some(database))),
            Ok(false) => Err(ConnectError::Newer),
            Err(error) => Err(ConnectError::Tables(error.into())),
        }
    }

    /// Returns the database, for [`Services`](crate::Services). Returns `None` if there is no file.
    #[must_use]
    pub fn tables(&self) -> Option<&SqlDatabase> {
        self.0.as_ref()
    }

    /// Verifies that the database answers, and that the disk of a file has room.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the reason as its source.
    pub async fn check(&self) -> Result<(), StoreError> {
        match &self.0 {
            Some(database) => database.check().await,
            None => Ok(()),
        }
    }

    /// Deletes the data of a user from all applications, including those that are not mounted now, in one
    /// transaction.
    ///
    /// # Errors
    /// Returns a [`StoreError`] if nothing was deleted.
    pub async fn forget(&self, user: &UserId) -> Result<(), StoreError> {
        let Some(database) = &self.0 else { return Ok(()) };
        let user = user.clone();
        let forget = database.change(move |mut connection| {
            Box::pin(async move {
                // Read each time, because another server may have mounted an application meanwhile.
                let kept: Vec<(String,)> =
                    connection.all(sql("SELECT name FROM application_versions")).await?;
                for app in ALL {
                    if kept.iter().any(|(name,)| name == app.name()) {
                        app.forget(&mut connection, &user).await?;
                    }
                }
                Ok(())
            })
        });
        forget.await
    }

    /// Waits for running operations, and closes the database.
    pub async fn close(&self) {
        if let Some(database) = &self.0 {
            database.close().await;
        }
    }
}

/// Creates the table of versions in PostgreSQL. In a file, a migration of the file has created it.
async fn create_versions(database: &SqlDatabase) -> Result<(), StoreError> {
    // Write only if the table is missing, so that the server starts on a full disk.
    if database.holds(sql("SELECT to_regclass('application_versions') IS NOT NULL")).await? {
        return Ok(());
    }
    let create = database.change(|mut connection| {
        Box::pin(async move {
            // Servers that start at the same time wait for each other.
            connection.lock(MIGRATE).await?;
            connection
                .migrate(
                    "CREATE TABLE IF NOT EXISTS application_versions \
                     (name TEXT PRIMARY KEY, version BIGINT NOT NULL)",
                )
                .await
        })
    });
    create.await
}

/// Runs the missing migrations of the mounted applications, and of those that have tables. Returns `false` if a newer
/// version has changed the tables.
async fn prepare(
    database: &SqlDatabase,
    mounted: &[&'static dyn Application],
) -> Result<bool, StoreError> {
    let versions: Vec<(String, i64)> =
        database.all(sql("SELECT name, version FROM application_versions")).await?;
    for app in ALL {
        let version = versions.iter().find(|(name, _)| name == app.name());
        let is_mounted = mounted.iter().any(|mounted| mounted.name() == app.name());
        if version.is_none() && !is_mounted {
            continue;
        }
        let migrations = database.of(app.schema());
        let seen = version.map_or(0, |(_, version)| count(*version));
        // Write only if a migration is missing, so that the server starts on a full disk.
        let is_newer = if seen < migrations.len() {
            let migrate = database
                .change(move |connection| Box::pin(migrate(connection, app.name(), migrations)));
            migrate.await?
        } else {
            seen > migrations.len()
        };
        if is_newer {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Runs the missing migrations of an application. The version is read again inside the transaction, because two
/// processes may open the database at the same time. Returns `true` if a newer version has changed the tables.
async fn migrate(
    mut connection: Connection<'_>,
    app: &'static str,
    migrations: &'static [&'static str],
) -> sqlx::Result<bool> {
    connection.lock(MIGRATE).await?;
    let seen = sql("SELECT version FROM application_versions WHERE name = $1").bind(app);
    let seen = connection.first(seen).await?.map_or(0, |(version,)| count(version));
    if seen >= migrations.len() {
        return Ok(seen > migrations.len());
    }
    for migration in migrations.iter().skip(seen) {
        connection.migrate(migration).await?;
    }
    let mark = sql("INSERT INTO application_versions (name, version) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET version = excluded.version");
    let version = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    connection.run(mark.bind(app).bind(version)).await?;
    Ok(false)
}

/// Returns a number of migrations. A negative number, which no version writes, counts as too new.
fn count(version: i64) -> usize {
    usize::try_from(version).unwrap_or(usize::MAX)
}

/// Key of the advisory lock on the versions, which is `DoApVers` in ASCII.
const MIGRATE: i64 = 0x446f_4170_5665_7273;

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
