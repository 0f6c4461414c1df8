//! A listening Unix socket, and its file.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tokio::net::{UnixListener, UnixStream};

/// A listening Unix socket. Its file is removed on drop.
pub(crate) struct UnixSocket {
    listener: UnixListener,
    path: PathBuf,
    file: FileId,
    /// Locked file beside the socket, whose name ends with `.lock`. It is never removed, because
    /// another server could have opened it already.
    _lock: File,
}

impl UnixSocket {
    /// Listens at `path`. Replaces the file of a server that was killed, and no other file.
    pub(super) async fn bind(path: &Path) -> io::Result<Self> {
        let lock = lock(path)?;
        match fs::symlink_metadata(path) {
            Ok(file) if !file.file_type().is_socket() => {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            Ok(_) if is_left_over(path).await => fs::remove_file(path)?,
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        // A client needs write permission to connect (unix(7)). The default umask grants it only to
        // the owner.
        fs::set_permissions(path, fs::Permissions::from_mode(MODE))?;
        let file = FileId::of(path)?;
        Ok(Self { listener, path: path.to_owned(), file, _lock: lock })
    }

    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        // Another server may have put its own file there.
        if FileId::of(&self.path).is_ok_and(|now| now == self.file) {
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Device and inode of a file. They tell our file from a newer one at the same path.
#[derive(PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(Self { device: metadata.dev(), inode: metadata.ino() })
    }
}

/// Takes the lock of a path. Of two servers that start at the same time, one fails, so neither removes
/// the file of the other.
fn lock(path: &Path) -> io::Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(name)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::AddrInUse.into()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Returns `true` if no program listens on the socket at `path`.
async fn is_left_over(path: &Path) -> bool {
    let connected = UnixStream::connect(path).await;
    connected.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// Mode of the file. The owner and the group may connect.
const MODE: u32 = 0o660;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_owner_and_the_group_may_connect() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");

        let socket = UnixSocket::bind(&path).await.unwrap();

        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o660);
        drop(socket);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn only_a_socket_without_a_server_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        // A killed server leaves its file.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());

        let first = UnixSocket::bind(&path).await.unwrap();
        let taken = UnixSocket::bind(&path).await.err().unwrap();

        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
        UnixStream::connect(&path).await.unwrap();
        drop(first);
        fs::write(&path, "a file").unwrap();
        assert!(UnixSocket::bind(&path).await.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"a file");
    }

    #[tokio::test]
    async fn the_file_of_another_program_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let socket = UnixSocket::bind(&path).await.unwrap();
        fs::rename(&path, folder.path().join("old")).unwrap();

        let _other = std::os::unix::net::UnixListener::bind(&path).unwrap();
        drop(socket);

        UnixStream::connect(&path).await.unwrap();
    }

    /// Otherwise both would find the file of a killed server, and one would remove the file of the
    /// other.
    #[tokio::test]
    async fn of_two_servers_that_start_at_once_one_fails() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let starting = lock(&path).unwrap();

        let second = UnixSocket::bind(&path).await.err().unwrap();
        assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
        assert!(path.exists());

        drop(starting);
        UnixSocket::bind(&path).await.unwrap();
    }
}
