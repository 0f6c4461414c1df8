//! Keeps the signing key of the server in its data directory.
//!
//! The key appears whole or not at all: it is written under another name, brought to the disk, and
//! then given its own name, which only succeeds if nobody has it. Whether others may have read or
//! exchanged it is judged in `custody`. Keys that replace each other are not known yet.
//! Start reading at [`KeyFile::read_or_create`].

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use doorward::auth::{KeyError, SigningKey};
use rustix::{fs::OFlags, process::geteuid};

use crate::{
    custody::{self, Holding},
    failure::Failure,
};

/// Where the key is, or will be.
#[derive(Debug)]
pub(crate) struct KeyFile {
    directory: PathBuf,
    path: PathBuf,
}

impl KeyFile {
    /// The key of a data directory.
    pub(crate) fn of(data_dir: &Path) -> Self {
        Self { directory: data_dir.to_owned(), path: data_dir.join(NAME) }
    }

    /// Reads the key, and makes one first when there is none.
    ///
    /// Of several that try at once, one makes the key and all read it.
    pub(crate) fn read_or_create(&self) -> Result<SigningKey, Failure> {
        if let Some(key) = self.read()? {
            return Ok(key);
        }
        self.create()?;
        let gone = || Failure::new(format_args!("{} is gone again", self.path.display()));
        self.read()?.ok_or_else(gone)
    }

    /// Reads the key; `None` when there is none.
    pub(crate) fn read(&self) -> Result<Option<SigningKey>, Failure> {
        let path = self.path.display();
        let cannot =
            |error: &io::Error| Failure::because(format_args!("cannot read the key {path}"), error);
        let me = geteuid().as_raw();
        // The dot: an empty path is the current directory, and a file is none.
        let directory = fs::metadata(self.directory.join("."));
        let Some(directory) = found(directory).map_err(|error| cannot(&error))? else {
            return Ok(None);
        };
        custody::judge_directory(Holding::of(&directory), me)
            .map_err(|flaw| flaw.explain("data directory", &self.directory, me))?;
        let Some(file) = found(self.open()).map_err(|error| cannot(&error))? else {
            return Ok(None);
        };
        // The open file is asked, not its name: nobody can exchange it in between.
        let metadata = file.metadata().map_err(|error| cannot(&error))?;
        if !metadata.is_file() {
            return Err(Failure::new(format_args!("the key {path} is not a file")));
        }
        custody::judge_key(Holding::of(&metadata), me)
            .map_err(|flaw| flaw.explain("key", &self.path, me))?;
        let mut pem = String::new();
        file.take(MAX_SIZE).read_to_string(&mut pem).map_err(|error| cannot(&error))?;
        SigningKey::from_pkcs8_pem(&pem).map(Some).map_err(|error| self.damaged(error))
    }

    /// Opens what has the name of the key; a symlink to it is as good, as mounted secrets are.
    fn open(&self) -> io::Result<File> {
        // Without it, opening a FIFO waits for somebody who writes.
        let at_once = OFlags::NONBLOCK.bits().cast_signed();
        OpenOptions::new().read(true).custom_flags(at_once).open(&self.path)
    }

    /// Makes a key, unless somebody else has just made one.
    fn create(&self) -> Result<(), Failure> {
        let pem = SigningKey::generate()
            .and_then(|key| key.to_pkcs8_pem())
            .map_err(|error| Failure::because("cannot make a signing key", &error))?;
        self.write(pem.as_bytes()).map_err(|error| {
            let path = self.path.display();
            Failure::because(format_args!("cannot write a new key to {path}"), &error)
        })
    }

    fn write(&self, pem: &[u8]) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        let mut file = tempfile::Builder::new()
            .prefix(NAME)
            .suffix(".new")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(&self.directory)?;
        file.write_all(pem)?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(&self.path) {
            // The name itself must outlive a power cut, or tokens are worth nothing after it.
            Ok(_) => File::open(&self.directory)?.sync_all(),
            Err(lost) if lost.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(failed) => Err(failed.error),
        }
    }

    fn damaged(&self, error: KeyError) -> Failure {
        Failure::new(format_args!(
            "cannot use the key {}: {error}; put the right key back, or move this file away and a \
             new key is made (tokens of the old one end with it)",
            self.path.display()
        ))
    }
}

/// Tells what is not there from what cannot be reached.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

const NAME: &str = "token-key.pem";

/// A P-256 key is about 240 bytes: whatever is longer is none, and is not read to its end.
const MAX_SIZE: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::symlink, thread};

    use super::*;

    #[test]
    fn a_new_key_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("new/data");

        KeyFile::of(&data).read_or_create().unwrap();

        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&data), mode(&data.join(NAME))), (0o700, 0o600));
        let names: Vec<_> = fs::read_dir(&data).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, [NAME]);
    }

    #[test]
    fn all_who_start_at_once_get_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let start = || KeyFile::of(folder.path()).read_or_create().unwrap().public_pem();

        let keys: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });

        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn reading_makes_nothing() {
        let folder = tempfile::tempdir().unwrap();

        assert!(KeyFile::of(folder.path()).read().unwrap().is_none());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_key_that_others_may_use_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyFile::of(folder.path());
        key.read_or_create().unwrap();

        for mode in [0o604, 0o640, 0o620, 0o610, 0o666] {
            fs::set_permissions(&key.path, Permissions::from_mode(mode)).unwrap();
            let failure = key.read().unwrap_err().to_string();
            assert!(failure.contains("chmod 600"), "{mode:o}: {failure}");
        }
        fs::set_permissions(&key.path, Permissions::from_mode(0o400)).unwrap();
        assert!(key.read().unwrap().is_some());
    }

    #[test]
    fn a_directory_in_which_others_can_exchange_the_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyFile::of(folder.path());
        let mode = |mode| fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();

        // Before there is a key, none is made there; afterwards, none is read.
        for has_key in [false, true] {
            for open in [0o770, 0o702, 0o777] {
                mode(open);
                let failure = key.read_or_create().unwrap_err().to_string();
                assert!(failure.contains("chmod go-w"), "{open:o}: {failure}");
                assert_eq!(key.path.exists(), has_key);
            }
            mode(0o1777);
            assert!(key.read_or_create().is_ok());
        }
    }

    #[test]
    fn a_key_behind_a_symlink_is_read() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let real = KeyFile::of(elsewhere.path());
        let key = real.read_or_create().unwrap();
        let link = KeyFile::of(folder.path());
        symlink(&real.path, &link.path).unwrap();

        let read = link.read().unwrap().unwrap();

        assert_eq!(read.public_pem(), key.public_pem());
    }

    #[test]
    fn what_is_no_key_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyFile::of(folder.path());
        key.read_or_create().unwrap();

        for garbage in ["", "garbage", "\0", &"A".repeat(1 << 20)] {
            fs::write(&key.path, garbage).unwrap();
            assert!(key.read_or_create().is_err());
            assert_eq!(fs::read_to_string(&key.path).unwrap(), garbage);
        }
    }
}
