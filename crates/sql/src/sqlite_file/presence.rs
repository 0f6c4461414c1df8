//! Detects that an open file was removed or replaced.
//!
//! SQLite keeps writing to an open file after it was removed, and all these changes are lost when the process ends.
//! Before each commit, the device and inode numbers under the path of the file are therefore compared with those of the
//! opened file.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use doorward_core::{BoxError, StoreError};
use tokio::{sync::Semaphore, time::timeout};

use crate::patience::PATIENCE;

/// Identities of the open file and of its write-ahead log. The checks compare them with the files that are now at the
/// same paths.
pub(super) struct Presence {
    names: Arc<Names>,
    /// Single permit, which a check holds until it ends. If the disk hangs, at most one blocking thread hangs, and
    /// further checks time out without a thread.
    looking: Arc<Semaphore>,
}

/// Paths and identities of the file and of its write-ahead log. The log exists as long as a connection is open.
struct Names {
    file: (PathBuf, Identity),
    log: (PathBuf, Identity),
}

/// Device number and inode number of a file.
type Identity = (u64, u64);

impl Presence {
    /// Records the identity of the file and of its write-ahead log. Call this after a connection has created the log.
    /// Fails if one of the two does not exist.
    pub(super) fn of(file: &Path) -> io::Result<Self> {
        // SQLite resolves links first and creates its log beside the target.
        let file = fs::canonicalize(file)?;
        let mut log = file.clone().into_os_string();
        log.push("-wal");
        let log = PathBuf::from(log);
        let (of_file, of_log) = (identity(&file)?, identity(&log)?);
        let names = Arc::new(Names { file: (file, of_file), log: (log, of_log) });
        Ok(Self { names, looking: Arc::new(Semaphore::new(1)) })
    }

    /// Verifies that the file and its write-ahead log are still those that were opened.
    pub(super) async fn check(&self) -> Result<(), Misplaced> {
        self.look(Names::look).await
    }

    /// Verifies the same as [`check`](Self::check), and that the disk has room for the next changes.
    pub(super) async fn check_room(&self) -> Result<(), Misplaced> {
        self.look(Names::look_for_room).await
    }

    /// Verifies that the file is still the one that was opened, so that a new connection opens the same file.
    pub(super) async fn check_file(&self) -> Result<(), Misplaced> {
        self.look(Names::look_at_file).await
    }

    async fn look(&self, look: fn(&Names) -> Result<(), Gone>) -> Result<(), Misplaced> {
        let looking = async {
            let looking = Arc::clone(&self.looking).acquire_owned().await?;
            let names = Arc::clone(&self.names);
            // The check runs on a blocking thread, because a disk that hangs must not block the threads of the runtime.
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

    /// Verifies that the file was not removed or replaced, and that its disk has [`ROOM`] bytes free.
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
        Ok(_) => Err(gone(path, io::Error::other("another file has taken its name"))),
        Err(source) => Err(gone(path, source)),
    }
}

/// Error returned by a check. The file was removed or replaced, its disk is full, or the check itself has failed.
#[derive(Debug, thiserror::Error)]
#[error("nothing is written")]
pub(super) struct Misplaced(#[source] BoxError);

impl From<Misplaced> for StoreError {
    fn from(misplaced: Misplaced) -> Self {
        Self::Unavailable(misplaced.into())
    }
}

/// Error for a file that was removed or replaced while it was open, or whose disk is full.
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

/// Free bytes on the disk below which [`Presence::check_room`] fails.
const ROOM: u64 = 1 << 20;
