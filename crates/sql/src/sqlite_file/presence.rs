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

/// The file and its write-ahead log.
struct Names {
    file: PathBuf,
    log: PathBuf,
    identity: Identity,
}

/// The numbers of the device and of the file on it.
type Identity = (u64, u64);

impl Presence {
    /// Of the file that has this name now.
    pub(super) fn of(file: &Path) -> io::Result<Self> {
        // SQLite puts its log beside the file that a link leads to.
        let file = fs::canonicalize(file)?;
        let identity = identity(&file)?;
        let mut log = file.clone().into_os_string();
        log.push("-wal");
        let names = Arc::new(Names { file, log: log.into(), identity });
        Ok(Self { names, looking: Arc::new(Semaphore::new(1)) })
    }

    /// Shows that the file still has its name, and that its write-ahead log is beside it.
    pub(super) async fn check(&self) -> Result<(), StoreError> {
        match timeout(PATIENCE, self.look()).await {
            Ok(looked) => looked.map_err(StoreError::Unavailable),
            Err(elapsed) => Err(StoreError::Unavailable(elapsed.into())),
        }
    }

    async fn look(&self) -> Result<(), BoxError> {
        let looking = Arc::clone(&self.looking).acquire_owned().await?;
        let names = Arc::clone(&self.names);
        // Off the runtime: a disk that stands still must not stop what needs no disk.
        let looked = tokio::task::spawn_blocking(move || {
            let looked = names.look();
            drop(looking);
            looked
        });
        Ok(looked.await??)
    }
}

impl Names {
    fn look(&self) -> Result<(), Gone> {
        let gone = |path: &Path, source| Gone { path: path.to_owned(), source };
        let found = identity(&self.file).map_err(|source| gone(&self.file, source))?;
        if found != self.identity {
            return Err(gone(&self.file, io::Error::other("another file has its name now")));
        }
        identity(&self.log).map(drop).map_err(|source| gone(&self.log, source))
    }
}

/// A file is open and has lost its name.
#[derive(Debug, thiserror::Error)]
#[error("{path} was removed or replaced while it was open: put it back, or restart the server", path = .path.display())]
struct Gone {
    path: PathBuf,
    #[source]
    source: io::Error,
}

fn identity(path: &Path) -> io::Result<Identity> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}
