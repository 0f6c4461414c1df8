//! Notices that the file is not where it was opened any more.
//!
//! A file that is open can be removed or replaced: SQLite goes on writing to what has no name, and all of it is
//! lost when the process ends. The name is compared before a change is committed.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use doorward_core::{BoxError, StoreError};
use tokio::{sync::Semaphore, time::timeout};

use super::PATIENCE;

/// Which file was opened.
pub(super) struct Presence {
    names: Arc<Names>,
    /// Held by the look that is under way, to its end: on a disk that does not answer, looks must not use up the
    /// threads that everything else needs.
    looking: Arc<Semaphore>,
}

/// The file and its write-ahead log, which stays while a connection is open.
struct Names {
    file: (PathBuf, Identity),
    log: (PathBuf, Identity),
}

/// The numbers of the device and of the file on it.
type Identity = (u64, u64);

impl Presence {
    /// Of the file that has this name now, and of the log that a connection has made beside it.
    pub(super) fn of(file: &Path) -> io::Result<Self> {
        // SQLite puts its log beside the file that a link leads to.
        let file = fs::canonicalize(file)?;
        let mut log = file.clone().into_os_string();
        log.push("-wal");
        let log = PathBuf::from(log);
        let (of_file, of_log) = (identity(&file)?, identity(&log)?);
        let names = Arc::new(Names { file: (file, of_file), log: (log, of_log) });
        Ok(Self { names, looking: Arc::new(Semaphore::new(1)) })
    }

    /// Shows that the file still has its name, and that its write-ahead log is beside it.
    pub(super) async fn check(&self) -> Result<(), Misplaced> {
        self.look(Names::look).await
    }

    /// Shows the same, and that a change has somewhere to go.
    pub(super) async fn check_room(&self) -> Result<(), Misplaced> {
        self.look(Names::look_for_room).await
    }

    /// Shows that the file still has its name: what is opened under it now is the same file.
    pub(super) async fn check_file(&self) -> Result<(), Misplaced> {
        self.look(Names::look_at_file).await
    }

    async fn look(&self, look: fn(&Names) -> Result<(), Gone>) -> Result<(), Misplaced> {
        let looking = async {
            let looking = Arc::clone(&self.looking).acquire_owned().await?;
            let names = Arc::clone(&self.names);
            // Off the runtime: a disk that stands still must not stop what needs no disk.
            let looked = tokio::task::spawn_blocking(move || {
                let looked = look(&names);
                drop(looking);
                looked
            });
            looked.await??;
            Ok::<_, BoxError>(())
        };
        match timeout(PATIENCE, looking).await {
            Ok(looked) => looked.map_err(Misplaced),
            Err(elapsed) => Err(Misplaced(elapsed.into())),
        }
    }
}

impl Names {
    fn look(&self) -> Result<(), Gone> {
        self.look_at_file()?;
        is_still(&self.log)
    }

    fn look_at_file(&self) -> Result<(), Gone> {
        is_still(&self.file)
    }

    /// Shows that a change has somewhere to go.
    fn look_for_room(&self) -> Result<(), Gone> {
        self.look()?;
        let (path, _) = &self.file;
        let disk = rustix::fs::statvfs(path).map_err(|error| gone(path, error.into()))?;
        if disk.f_bavail * disk.f_frsize >= ROOM {
            return Ok(());
        }
        Err(gone(path, io::Error::new(io::ErrorKind::StorageFull, "less than 1 MiB is free")))
    }
}

fn is_still((path, opened): &(PathBuf, Identity)) -> Result<(), Gone> {
    match identity(path) {
        Ok(found) if found == *opened => Ok(()),
        Ok(_) => Err(gone(path, io::Error::other("another file has its name now"))),
        Err(source) => Err(gone(path, source)),
    }
}

/// The file is not where it was opened, or that cannot be found out.
#[derive(Debug, thiserror::Error)]
#[error("nothing is written")]
pub(super) struct Misplaced(#[source] BoxError);

impl From<Misplaced> for StoreError {
    fn from(misplaced: Misplaced) -> Self {
        Self::Unavailable(misplaced.into())
    }
}

/// A file is open and has lost its name.
#[derive(Debug, thiserror::Error)]
#[error("{path} was removed or replaced while it was open, or has no room: put it back, or restart the server", path = .path.display())]
struct Gone {
    path: PathBuf,
    #[source]
    source: io::Error,
}

fn gone(path: &Path, source: io::Error) -> Gone {
    Gone { path: path.to_owned(), source }
}

fn identity(path: &Path) -> io::Result<Identity> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Bytes that a server needs for its next changes.
const ROOM: u64 = 1 << 20;
