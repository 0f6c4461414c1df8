//! Locks the data directory for one server.
//!
//! One server uses a data directory at a time. A second server prints a message, waits until the first has ended,
//! and continues. The lock is an advisory lock on the directory (`flock`), which the system releases when the
//! process ends for any reason. A file in the directory contains the id of the process. `custody` checks whether
//! other users could have replaced files. Start reading at [`DataDir::take`].

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use doorward::server::{Clock as _, SystemClock};
use rustix::{
    fs::{FlockOperation, OFlags, flock},
    io::Errno,
};

use super::custody;
use crate::terminal::{Failure, OrFail as _, output};

/// Lock on a data directory, released on drop.
#[derive(Debug)]
pub(crate) struct DataDir {
    _lock: File,
    /// File with the id of the process.
    file: PathBuf,
    /// `true` if a server has used the directory before.
    pub(crate) was_used: bool,
}

impl DataDir {
    /// Locks the directory like [`take`](Self::take) if it exists. Returns `None` if it does not exist.
    pub(crate) async fn take_existing(path: &Path) -> Result<Option<Self>, Failure> {
        // With the dot, the path of a file is an error.
        if fs::metadata(path.join(".")).is_err() {
            return Ok(None);
        }
        Self::take(path).await.map(Some)
    }

    /// Locks the directory, after creating it with mode 0700 if it does not exist. Waits while another server has
    /// locked it.
    pub(crate) async fn take(path: &Path) -> Result<Self, Failure> {
        let name = path.display();
        let cannot = format_args!("cannot use the data directory {name}");
        DirBuilder::new().recursive(true).mode(0o700).create(path).or_fail(cannot)?;
        custody::check_directory(path)?;
        let file = path.join(NAME);
        custody::check_file(&file)?;
        let was_used = file.exists();
        let lock = File::open(path).or_fail(cannot)?;
        let mut sign = open(&file).or_fail(cannot)?;
        let mut is_told = false;
        while let Err(error) = flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            if error != Errno::WOULDBLOCK {
                return Err(Failure::because(cannot, &io::Error::from(error)));
            }
            if !is_told {
                is_told = true;
                let holder = holder(&sign);
                output::complain(&format!(
                    "doorward: another server{holder} uses the data directory {name}; waiting for it to end"
                ));
            }
            SystemClock.sleep_until(SystemClock.now() + BETWEEN_LOOKS).await;
        }
        write_down(&mut sign).or_fail(cannot)?;
        Ok(Self { _lock: lock, file, was_used })
    }

    /// Takes back that a server has used the directory, because it did not start. Otherwise the next start would
    /// report that its database was lost.
    pub(crate) fn take_back(&self) {
        if !self.was_used {
            drop(fs::remove_file(&self.file));
        }
    }
}

fn open(file: &Path) -> io::Result<File> {
    let no_links = OFlags::NOFOLLOW.bits().cast_signed();
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(no_links);
    options.open(file)
}

/// Returns the id of the process that holds the lock, in parentheses. Returns an empty text if the lock file does
/// not contain an id.
fn holder(sign: &File) -> String {
    let mut text = String::new();
    match io::Read::take(sign, MAX).read_to_string(&mut text) {
        Ok(_) if text.trim().parse::<u32>().is_ok() => format!(" (process {})", text.trim()),
        _ => String::new(),
    }
}

/// Writes the process id into the lock file, for operators to read. The id is missing if the disk is full, which is
/// not an error.
fn write_down(sign: &mut File) -> io::Result<()> {
    sign.set_len(0)?;
    sign.rewind()?;
    sign.write_all(format!("{}\n", std::process::id()).as_bytes()).ok();
    Ok(())
}

const NAME: &str = "server.lock";

/// Maximum number of bytes to read from the lock file.
const MAX: u64 = 32;

/// Time between two attempts to lock the directory. Clients of a server that was replaced wait for this time.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
