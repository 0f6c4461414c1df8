//! Decides whether others may have read or exchanged the key.
//!
//! The user of the server and root are trusted, nobody else: root can do everything anyway. The key
//! itself must be closed to others. In its directory they may not write either, because whoever
//! writes there gives the name of the key to another file; the sticky bit prevents just that. The
//! directories above it, and those a symlink leads through, are the business of the operator.

use std::{fs::Metadata, os::unix::fs::MetadataExt, path::Path};

use crate::{failure::Failure, shell::quoted};

/// Whose something is, and what others may do with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holding {
    owner: u32,
    mode: u32,
}

/// Why something is not in good hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Others may write to the directory, and exchange what is in it.
    Exchangeable { mode: u32 },
    /// It belongs to somebody who is neither root nor the user of the server.
    Foreign { owner: u32 },
    /// Others may do something with the key.
    Open { mode: u32 },
}

/// Judges the key for the user `me`.
pub(crate) fn judge_key(key: Holding, me: u32) -> Result<(), Flaw> {
    key.judge_owner(me)?;
    if key.mode & FOR_OTHERS == 0 { Ok(()) } else { Err(Flaw::Open { mode: key.mode & SHOWN }) }
}

/// Judges the directory of the key for the user `me`.
pub(crate) fn judge_directory(directory: Holding, me: u32) -> Result<(), Flaw> {
    directory.judge_owner(me)?;
    if directory.mode & WRITABLE_BY_OTHERS == 0 || directory.mode & STICKY != 0 {
        Ok(())
    } else {
        Err(Flaw::Exchangeable { mode: directory.mode & SHOWN })
    }
}

impl Holding {
    /// Reads it from what the system says.
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
    /// Says what is wrong with `what` at `path`, and how the user `me` puts it right.
    pub(crate) fn explain(self, what: &str, path: &Path, me: u32) -> Failure {
        let (name, word) = (path.display(), quoted(path));
        match self {
            Self::Exchangeable { mode } => Failure::new(format_args!(
                "others can exchange what is in the {what} {name} (mode {mode:04o}); if nobody \
                 has, close it: chmod go-w {word}"
            )),
            Self::Foreign { owner } => Failure::new(format_args!(
                "the {what} {name} belongs to user {owner}, but this runs as user {me}; run it as \
                 user {owner}, or take over what you trust: chown {me} {word}"
            )),
            Self::Open { mode } => Failure::new(format_args!(
                "the {what} {name} is open to others (mode {mode:04o}); if nobody has read it, \
                 close it: chmod 600 {word}"
            )),
        }
    }
}

const ROOT: u32 = 0;

/// The permissions of the group and of everybody else.
const FOR_OTHERS: u32 = 0o077;

const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Who does not own a file in the directory can neither remove nor rename it.
const STICKY: u32 = 0o1000;

/// What people know as the mode.
const SHOWN: u32 = 0o777;

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
                assert_eq!(judge_key(held(owner, mode), ME), Ok(()), "{mode:o}");
            }
        }
    }

    #[test]
    fn a_key_of_another_user_is_refused_to_everybody() {
        for me in [ME, ROOT] {
            assert_eq!(judge_key(held(1001, 0o100_600), me), Err(Flaw::Foreign { owner: 1001 }));
        }
        assert_eq!(judge_key(held(ME, 0o100_600), ROOT), Err(Flaw::Foreign { owner: ME }));
    }

    #[test]
    fn a_key_that_others_may_do_anything_with_is_refused() {
        for bit in 0..6 {
            let mode = 0o600 | 1 << bit;

            let judged = judge_key(held(ME, 0o100_000 | mode), ME);

            assert_eq!(judged, Err(Flaw::Open { mode }), "{mode:o}");
        }
    }

    #[test]
    fn a_directory_in_which_only_we_and_root_write_is_trusted() {
        for owner in [ME, ROOT] {
            // Sticky ones are what mounted secrets lie in.
            for mode in [0o040_700, 0o040_755, 0o040_500, 0o041_777, 0o043_775] {
                assert_eq!(judge_directory(held(owner, mode), ME), Ok(()), "{mode:o}");
            }
        }
    }

    #[test]
    fn a_directory_in_which_others_write_is_refused() {
        for mode in [0o770, 0o702, 0o720, 0o777] {
            for kind in [0o040_000, 0o042_000] {
                let judged = judge_directory(held(ME, kind | mode), ME);

                assert_eq!(judged, Err(Flaw::Exchangeable { mode }), "{mode:o}");
            }
        }
    }

    #[test]
    fn a_directory_of_another_user_is_refused_whatever_its_mode() {
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
