//! Keeps the signing keys of the server in its data directory.
//!
//! A key file appears completely or not at all, because it is written under another name, synced to the disk and
//! renamed. Creating the first key never overwrites an existing key file; only a rotation does. If several processes
//! create a key at the same time, one of them succeeds, and the others read its key. `custody` checks whether other
//! users may have read or replaced a key file. Start reading at [`KeyFile::read_or_create`].

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use doorward::{
    auth::{KeyRing, KeyRingError, SigningKey},
    server::{Clock, SystemClock},
};
use doorward_core::Causes;
use rustix::{fs::OFlags, process::geteuid};

use super::custody::{self, Holding};
use crate::{
    config::{Profile, ttl::MAX_LIFETIME},
    terminal::{Failure, OrFail as _, quoted::quoted},
};

/// Location of the key file.
#[derive(Clone, Debug)]
pub(crate) struct KeyFile {
    directory: PathBuf,
    path: PathBuf,
}

impl KeyFile {
    /// Returns the location of the key file in a data directory.
    pub(crate) fn of(data_dir: &Path) -> Self {
        Self { directory: data_dir.to_owned(), path: data_dir.join(NAME) }
    }

    /// Reads the keys. If there is no key, creates one in profile `development`, and fails in profile `production`.
    pub(crate) fn read_or_create(&self, profile: Profile) -> Result<KeyRing, Failure> {
        match (self.read()?, profile) {
            (Some(keys), _) => Ok(keys),
            (None, Profile::Development) => self.create(),
            (None, Profile::Production) => Err(Failure::new(format_args!(
                "profile is \"production\" and there is no key {}; put yours there, or make one: doorward \
                 keys create --data-dir {}",
                self.path.display(),
                quoted(&self.directory)
            ))),
        }
    }

    /// Creates a key if there is none, and reads the keys.
    ///
    /// If several processes call this at the same time, one creates the key and all read it.
    pub(crate) fn create(&self) -> Result<KeyRing, Failure> {
        if let Some(keys) = self.read()? {
            return Ok(keys);
        }
        let first = KeyRing::new(new_key()?);
        self.write(&first, When::IfMissing)?;
        let gone = || Failure::new(format_args!("{} is gone again", self.path.display()));
        self.read()?.ok_or_else(gone)
    }

    /// Creates a new key to sign with, and returns all keys. The previous key is trusted until its last token
    /// expires.
    pub(crate) fn rotate(&self) -> Result<KeyRing, Failure> {
        let keys = self.create()?;
        keys.rotate(new_key()?, SystemClock.wall());
        self.write(&keys, When::Always)?;
        Ok(keys)
    }

    /// Writes keys that another node has made, and returns them.
    pub(crate) fn adopt(&self, keys: KeyRing) -> Result<KeyRing, Failure> {
        self.write(&keys, When::Always)?;
        Ok(keys.max_lifetime(MAX_LIFETIME))
    }

    /// Returns the path of the key file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the keys. Returns `None` if there is no key file. Fails if the file is damaged, or if another user may
    /// have read or replaced it.
    pub(crate) fn read(&self) -> Result<Option<KeyRing>, Failure> {
        let path = self.path.display();
        let cannot = format_args!("cannot read the key {path}");
        let me = geteuid().as_raw();
        // With the dot, an empty path is the current directory, and the path of a file is an error.
        let directory = fs::metadata(self.directory.join("."));
        let Some(directory) = found(directory).or_fail(cannot)? else { return Ok(None) };
        custody::judge_directory(Holding::of(&directory), me)
            .map_err(|flaw| flaw.explain("data directory", &self.directory, me))?;
        let Some(file) = found(self.open()).or_fail(cannot)? else { return Ok(None) };
        // Check the open file and not its name, so that the file cannot be replaced in between.
        let metadata = file.metadata().or_fail(cannot)?;
        if !metadata.is_file() {
            return Err(Failure::new(format_args!("the key {path} is not a file")));
        }
        custody::judge_file(Holding::of(&metadata), me)
            .map_err(|flaw| flaw.explain("key", &self.path, me))?;
        let mut pem = String::new();
        file.take(MAX_SIZE).read_to_string(&mut pem).or_fail(cannot)?;
        let keys = KeyRing::from_pem(&pem).map_err(|error| self.damaged(error))?;
        Ok(Some(keys.max_lifetime(MAX_LIFETIME)))
    }

    /// Opens the key. A symbolic link is followed, because mounted secrets are links.
    fn open(&self) -> io::Result<File> {
        // Without this flag, opening a FIFO waits for a writer.
        let at_once = OFlags::NONBLOCK.bits().cast_signed();
        OpenOptions::new().read(true).custom_flags(at_once).open(&self.path)
    }

    fn write(&self, keys: &KeyRing, when: When) -> Result<(), Failure> {
        let path = self.path.display();
        let pem = keys.to_pem().or_fail("cannot write a signing key")?;
        self.replace(pem.as_bytes(), when).or_fail(format_args!("cannot write keys to {path}"))
    }

    fn replace(&self, pem: &[u8], when: When) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        let mut file = tempfile::Builder::new()
            .prefix(NAME)
            .suffix(".new")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(&self.directory)?;
        file.write_all(pem)?;
        file.as_file().sync_all()?;
        let persisted = match when {
            When::Always => file.persist(&self.path),
            When::IfMissing => file.persist_noclobber(&self.path),
        };
        match persisted {
            // Sync the directory as well. If a power cut lost the name of the file, all issued tokens would be
            // worthless.
            Ok(_) => File::open(&self.directory)?.sync_all(),
            Err(lost) if lost.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(failed) => Err(failed.error),
        }
    }

    fn damaged(&self, error: KeyRingError) -> Failure {
        Failure::new(format_args!(
            "cannot use the key {}: {}; put the right key back, or move this file away and a new key \
             is made (tokens of the old one end with it)",
            self.path.display(),
            Causes(&error)
        ))
    }
}

/// Condition under which a key file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Always,
    IfMissing,
}

fn new_key() -> Result<SigningKey, Failure> {
    SigningKey::generate().or_fail("cannot make a signing key")
}

/// Returns `None` if the file is missing. Other errors remain errors.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

const NAME: &str = "token-key.pem";

/// Maximum size of a key file. A P-256 key has about 240 bytes.
const MAX_SIZE: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::symlink, thread};

    use super::*;

    /// Returns the public keys of a ring.
    fn public(keys: &KeyRing) -> String {
        keys.jwks(SystemClock.wall())
    }

    #[test]
    fn a_new_key_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("new/data");

        KeyFile::of(&data).create().unwrap();

        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&data), mode(&data.join(NAME))), (0o700, 0o600));
        let names: Vec<_> = fs::read_dir(&data).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, [NAME]);
    }

    #[test]
    fn all_who_start_at_once_get_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let start = || public(&KeyFile::of(folder.path()).create().unwrap());

        let keys: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });

        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn a_key_that_was_replaced_is_kept_for_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::of(folder.path());
        let first = public(&file.create().unwrap());

        let both = public(&file.rotate().unwrap());

        let read = file.read().unwrap().unwrap();
        assert_eq!(public(&read), both);
        assert!(both.len() > first.len());
        let later = SystemClock.wall() + MAX_LIFETIME + MAX_LIFETIME;
        assert_eq!(read.jwks(later).matches("\"kid\"").count(), 1);
        let mode = fs::metadata(&file.path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
    }

    #[test]
    fn production_makes_no_key_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::of(folder.path());

        let failure = file.read_or_create(Profile::Production).unwrap_err().to_string();

        assert!(failure.contains("doorward keys create"), "{failure}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        file.create().unwrap();
        assert!(file.read_or_create(Profile::Production).is_ok());
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
        key.create().unwrap();

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

        // In such a directory no key is created, and an existing key is not read.
        for has_key in [false, true] {
            for open in [0o770, 0o702, 0o777] {
                mode(open);
                let failure = key.create().unwrap_err().to_string();
                assert!(failure.contains("chmod go-w"), "{open:o}: {failure}");
                assert_eq!(key.path.exists(), has_key);
            }
            // The sticky bit prevents other users from replacing files, but not from adding files.
            mode(0o1777);
            assert!(key.create().is_err());
            mode(0o1755);
            assert!(key.create().is_ok());
        }
    }

    #[test]
    fn a_key_behind_a_symlink_is_read() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let real = KeyFile::of(elsewhere.path());
        let key = real.create().unwrap();
        let link = KeyFile::of(folder.path());
        symlink(&real.path, &link.path).unwrap();

        let read = link.read().unwrap().unwrap();

        assert_eq!(public(&read), public(&key));
    }

    #[test]
    fn what_is_no_key_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyFile::of(folder.path());
        key.create().unwrap();

        for garbage in ["", "garbage", "\0", &"A".repeat(1 << 20)] {
            fs::write(&key.path, garbage).unwrap();
            assert!(key.create().is_err());
            assert_eq!(fs::read_to_string(&key.path).unwrap(), garbage);
        }
    }
}
