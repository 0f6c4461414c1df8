//! Decides whether other users of the machine may have read or replaced a file of the server.
//!
//! The same rules apply to the data directory and to each file in it: keys, databases, the lock and audit records.
//! The user that runs the server is trusted, and so is root, which has access to everything anyway. Other users
//! must have no access to a file. A file must be a regular file, because a link may point to a place where other
//! users can write. Other users must not be able to write to the directory. The sticky bit is not enough: it
//! prevents them from replacing files, but not from adding files before the first start. Only the key may be a
//! link, because it may be a mounted secret. The file that the link points to is checked after it was opened.
//! Parent directories are the responsibility of the operator.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
};

use rustix::process::geteuid;

use crate::terminal::{Failure, quoted::quoted};

/// Owner and permissions of a file or directory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holding {
    owner: u32,
    mode: u32,
}

/// Reasons for which a file or directory is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Other users may write to the directory and replace files in it.
    Exchangeable { mode: u32 },
    /// The owner is neither root nor the user of the server.
    Foreign { owner: u32 },
    /// The path names a link, or anything else that is not a regular file.
    NoFile,
    /// Other users have permissions on the file.
    Open { mode: u32 },
}

/// Checks the owner and the permissions of a data directory.
pub(crate) fn check_directory(path: &Path) -> Result<(), Failure> {
    let me = geteuid().as_raw();
    // With the dot, an empty path is the current directory, and the path of a file is an error.
    let metadata = fs::metadata(path.join(".")).map_err(|error| unknown(path, &error))?;
    judge_directory(Holding::of(&metadata), me)
        .map_err(|flaw| flaw.explain("data directory", path, me))
}

/// Checks the owner and the permissions of a file. A missing file passes, and a link fails.
pub(crate) fn check_file(path: &Path) -> Result<(), Failure> {
    let me = geteuid().as_raw();
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unknown(path, &error)),
    };
    let judged =
        if metadata.is_file() { judge_file(Holding::of(&metadata), me) } else { Err(Flaw::NoFile) };
    judged.map_err(|flaw| flaw.explain("file", path, me))
}

/// Checks a database: its directory, its file, and the files that SQLite creates next to it.
pub(crate) fn check_database(file: &Path) -> Result<(), Failure> {
    let directory = file.parent().unwrap_or_else(|| Path::new(""));
    check_directory(directory)?;
    for suffix in ["", "-journal", "-shm", "-wal"] {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        check_file(Path::new(&name))?;
    }
    Ok(())
}

fn unknown(path: &Path, error: &io::Error) -> Failure {
    Failure::because(format_args!("cannot look at {}", path.display()), error)
}

/// Checks that the owner of a file is root or the user `me`, and that other users have no permissions on it.
pub(crate) fn judge_file(file: Holding, me: u32) -> Result<(), Flaw> {
    file.judge_owner(me)?;
    if file.mode & FOR_OTHERS == 0 { Ok(()) } else { Err(Flaw::Open { mode: file.mode & SHOWN }) }
}

/// Checks that the owner of a directory is root or the user `me`, and that other users cannot write to it.
pub(crate) fn judge_directory(directory: Holding, me: u32) -> Result<(), Flaw> {
    directory.judge_owner(me)?;
    if directory.mode & WRITABLE_BY_OTHERS == 0 {
        Ok(())
    } else {
        Err(Flaw::Exchangeable { mode: directory.mode & SHOWN })
    }
}

impl Holding {
    /// Reads the owner and the mode from metadata.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self { owner: metadata.uid(), mode: metadata.mode() }
    }

    fn judge_owner(self, me: u32) -> Result<(), Flaw> {
        if [ROOT, me].contains(&self.owner) {
            Ok(())
        } else {
            Err(Flaw::Foreign { owner: self.owner })
        }
    }
}

impl Flaw {
    /// Explains what is wrong with `what` at `path`, and how the user `me` can fix it.
    pub(crate) fn explain(self, what: &str, path: &Path, me: u32) -> Failure {
        let (name, word) = (path.display(), quoted(path));
        match self {
            Self::Exchangeable { mode } => Failure::new(format_args!(
                "others can replace what is in the {what} {name} (mode {mode:04o}); if none of \
                 them has, close it: chmod go-w {word}"
            )),
            Self::Foreign { owner } => Failure::new(format_args!(
                "the {what} {name} belongs to user {owner}, but this runs as user {me}; run it as \
                 user {owner}, or take over what you trust: chown {me} {word}"
            )),
            Self::NoFile => Failure::new(format_args!(
                "the {what} {name} is a link, or something else that is no file: others could replace what \
                 it leads to; put the file itself there"
            )),
            Self::Open { mode } => Failure::new(format_args!(
                "the {what} {name} is open to others (mode {mode:04o}); if no other user has read it, \
                 close it: chmod 600 {word}"
            )),
        }
    }
}

const ROOT: u32 = 0;

/// Permission bits of the group and of all other users.
const FOR_OTHERS: u32 = 0o077;

const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Mode bits that error messages show.
const SHOWN: u32 = 0o1777;

#[cfg(test)]
mod tests {
    use super::*;

    const ME: u32 = 1000;

    fn held(owner: u32, mode: u32) -> Holding {
        Holding { owner, mode }
    }

    #[test]
    fn a_key_of_ours_or_of_root_that_is_closed_to_others_is_trusted() {
        for owner in [ME, ROOT] {
            for mode in [0o100_600, 0o100_400, 0o100_700] {
                assert_eq!(judge_file(held(owner, mode), ME), Ok(()), "{mode:o}");
            }
        }
    }

    #[test]
    fn a_key_of_another_user_is_refused_to_every_user() {
        for me in [ME, ROOT] {
            assert_eq!(judge_file(held(1001, 0o100_600), me), Err(Flaw::Foreign { owner: 1001 }));
        }
        assert_eq!(judge_file(held(ME, 0o100_600), ROOT), Err(Flaw::Foreign { owner: ME }));
    }

    #[test]
    fn a_key_that_others_may_do_anything_with_is_refused() {
        for bit in 0..6 {
            let mode = 0o600 | 1 << bit;

            let judged = judge_file(held(ME, 0o100_000 | mode), ME);

            assert_eq!(judged, Err(Flaw::Open { mode }), "{mode:o}");
        }
    }

    #[test]
    fn a_directory_in_which_only_we_and_root_write_is_trusted() {
        for owner in [ME, ROOT] {
            for mode in [0o040_700, 0o040_755, 0o040_500, 0o041_755, 0o042_755] {
                assert_eq!(judge_directory(held(owner, mode), ME), Ok(()), "{mode:o}");
            }
        }
    }

    #[test]
    fn a_directory_in_which_others_write_is_refused() {
        for mode in [0o770, 0o702, 0o720, 0o777, 0o1777, 0o1775] {
            for kind in [0o040_000, 0o042_000] {
                let judged = judge_directory(held(ME, kind | mode), ME);

                assert_eq!(judged, Err(Flaw::Exchangeable { mode }), "{mode:o}");
            }
        }
    }

    #[test]
    fn a_directory_of_another_user_is_refused_with_any_mode() {
        for mode in [0o040_700, 0o041_777] {
            for me in [ME, ROOT] {
                let judged = judge_directory(held(1001, mode), me);

                assert_eq!(judged, Err(Flaw::Foreign { owner: 1001 }), "{mode:o}");
            }
        }
    }

    #[test]
    fn every_flaw_is_told_with_the_command_that_mends_it() {
        let path = Path::new("/a b");
        let cases = [
            (Flaw::Exchangeable { mode: 0o777 }, "/a b (mode 0777)", "chmod go-w '/a b'"),
            (Flaw::Foreign { owner: 1001 }, "/a b belongs to user 1001", "chown 1000 '/a b'"),
            (Flaw::Open { mode: 0o644 }, "/a b is open to others (mode 0644)", "chmod 600 '/a b'"),
        ];
        for (flaw, place, command) in cases {
            let line = flaw.explain("key", path, ME).to_string();

            assert!(line.contains(place) && line.ends_with(command), "{line}");
        }
    }
}
