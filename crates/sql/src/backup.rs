//! Copies a complete database, even while it is in use.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{self, Path},
};

use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::open_error::OpenError;

/// Copies a consistent snapshot of an SQLite file to a new file with mode 0600. A server may use the file at the
/// same time. The new file must not exist yet.
///
/// A plain copy of the file would lack the contents of its write-ahead log. When the future completes, the copy and
/// its directory entry are on the disk.
///
/// # Errors
/// Returns an [`OpenError`] that names the unusable file and the reason. An incomplete copy is not deleted.
///
/// # Examples
/// ```
/// use doorward_sql::{SqlStore, backup};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let (path, copy) = (folder.path().join("doorward.db"), folder.path().join("copy.db"));
/// let store = SqlStore::open(&path).await?;
/// backup(&path, &copy).await?;
/// SqlStore::open(&copy).await?;
/// # Ok(())
/// # }
/// ```
pub async fn backup(from: &Path, to: &Path) -> Result<(), OpenError> {
    let file = path::absolute(from).map_err(|source| OpenError::access(from, source))?;
    let copy = path::absolute(to).map_err(|source| OpenError::access(to, source))?;
    let options = SqliteConnectOptions::new().filename(file).disable_statement_logging();
    let connected = SqliteConnection::connect_with(&options).await;
    let mut connection = connected.map_err(|error| OpenError::of(from, error))?;
    // `VACUUM INTO` accepts an empty file that exists and keeps its mode. SQLite would create the file with a mode that
    // lets other users read it.
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&copy);
    let made = made.map_err(|source| OpenError::access(to, source))?;
    let name = copy.to_str().ok_or_else(|| OpenError::access(to, unwritable()))?;
    let copied = sqlx::query("VACUUM INTO ?").bind(name).execute(&mut connection).await;
    copied.map_err(|error| OpenError::of(to, error))?;
    connection.close().await.map_err(|error| OpenError::of(from, error))?;
    let folder = copy.parent().map(Path::to_owned);
    let synced = tokio::task::spawn_blocking(move || {
        made.sync_all()?;
        folder.map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    });
    let synced = synced.await;
    let synced = synced.map_err(io::Error::other).and_then(std::convert::identity);
    synced.map_err(|source| OpenError::access(to, source))
}

fn unwritable() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "SQLite accepts only file names in UTF-8")
}
