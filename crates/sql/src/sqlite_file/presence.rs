//! Notices that the file is not where it was opened any more.
//!
//! A file that is open can be removed or replaced: SQLite goes on writing to what has no name, and all of it is
//! lost when the process ends. The name is compared before a change is answered.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use doorward_core::StoreError;

/// Which file was opened.
pub(super) struct Presence {
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
        Ok(Self { file, log: log.into(), identity })
    }

    /// Shows that the file still has its name, and that its write-ahead log is beside it.
    pub(super) async fn check(&self) -> Result<(), StoreError> {
        let (file, log, opened) = (self.file.clone(), self.log.clone(), self.identity);
        // Off the runtime: a disk that stands still must not stop what needs no disk.
        let looking = tokio::task::spawn_blocking(move || match identity(&file) {
            Ok(found) if found == opened => identity(&log).map(drop).map_err(|cause| (log, cause)),
            Ok(_) => Err((file, io::Error::other("another file has its name now"))),
            Err(cause) => Err((file, cause)),
        });
        match looking.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err((path, source))) => Err(StoreError::Unavailable(Gone { path, source }.into())),
            Err(ended) => Err(StoreError::Unavailable(ended.into())),
        }
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
