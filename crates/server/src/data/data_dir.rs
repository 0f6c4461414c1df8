//! Takes the data directory for one server.
//!
//! What stands in it is in one server's hands at a time: a second one says so, waits until the first has ended,
//! and then goes on. The hold is an advisory lock on the directory itself (`flock`), which the system gives back when
//! the process ends, however it ends. A file in it says which process that is. Whether others could exchange what is in the directory is judged in `custody`.
//! Start reading at [`DataDir::take`].

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
    time::Duration,
};

use doorward::{Clock as _, SystemClock};
use rustix::{
    fs::{FlockOperation, OFlags, flock},
    io::Errno,
};

use super::custody;
use crate::terminal::{Failure, output};

/// The hold on a data directory. It ends with the value.
#[derive(Debug)]
pub(crate) struct DataDir {
    _lock: File,
    was_used: bool,
}

impl DataDir {
    /// Takes a directory that is there already; `None` when there is none.
    pub(crate) async fn take_existing(path: &Path) -> Result<Option<Self>, Failure> {
        // The dot: a file is no directory.
        if fs::metadata(path.join(".")).is_err() {
            return Ok(None);
        }
        Self::take(path).await.map(Some)
    }

    /// Makes the directory for its owner alone, unless it is there, and waits until no other server has it.
    pub(crate) async fn take(path: &Path) -> Result<Self, Failure> {
        let name = path.display();
        let cannot = |error: &io::Error| {
            Failure::because(format_args!("cannot use the data directory {name}"), error)
        };
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| cannot(&error))?;
        custody::check_directory(path)?;
        let file = path.join(NAME);
        custody::check_file(&file)?;
        let was_used = file.exists();
        let lock = File::open(path).map_err(|error| cannot(&error))?;
        let mut sign = open(&file).map_err(|error| cannot(&error))?;
        let mut is_told = false;
        while let Err(error) = flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            if error != Errno::WOULDBLOCK {
                return Err(cannot(&error.into()));
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
        write_down(&mut sign).map_err(|error| cannot(&error))?;
        Ok(Self { _lock: lock, was_used })
    }

    /// Whether a server has had it before.
    pub(crate) fn was_used(&self) -> bool {
        self.was_used
    }
}

fn open(file: &Path) -> io::Result<File> {
    let no_links = OFlags::NOFOLLOW.bits().cast_signed();
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(no_links);
    options.open(file)
}

/// Who holds it, as far as that is written down.
fn holder(sign: &File) -> String {
    let mut text = String::new();
    match io::Read::take(sign, MAX).read_to_string(&mut text) {
        Ok(_) if text.trim().parse::<u32>().is_ok() => format!(" (process {})", text.trim()),
        _ => String::new(),
    }
}

/// Writes down who holds it, for people. On a full disk it is held all the same.
fn write_down(sign: &mut File) -> io::Result<()> {
    sign.set_len(0)?;
    sign.rewind()?;
    sign.write_all(format!("{}\n", std::process::id()).as_bytes()).ok();
    Ok(())
}

const NAME: &str = "server.lock";

/// A process number is shorter.
const MAX: u64 = 32;

const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
