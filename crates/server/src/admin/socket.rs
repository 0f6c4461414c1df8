//! Creates the admin socket in the data directory.
//!
//! Other users can never open the socket, because it is created in a private directory and then moved to its place.
//! A server that starts removes the sockets of killed servers.

use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt, MetadataExt, PermissionsExt},
        net::UnixStream,
    },
    path::{Path, PathBuf},
};

use axum::Router;
use doorward::server::{Entropy, OsEntropy};
use rustix::process::geteuid;
use tokio::net::UnixListener;

use crate::terminal::Failure;

/// Listening admin socket. Its file is removed on drop.
#[derive(Debug)]
pub(crate) struct AdminSocket {
    listener: UnixListener,
    file: SocketFile,
}

/// File of the socket, removed on drop.
#[derive(Debug)]
struct SocketFile(PathBuf);

impl AdminSocket {
    /// Creates the admin socket of this process in `data_dir`.
    pub(crate) fn bind(data_dir: &Path) -> Result<Self, Failure> {
        // Random, because servers in containers that share a directory may have the same process id.
        let mut name = [0; 8];
        OsEntropy.fill(&mut name);
        let name = u64::from_be_bytes(name);
        let path = data_dir.join(format!("{PREFIX}{name:016x}{SUFFIX}"));
        // The socket is created under a shorter name. Without this check the server would start, and no command
        // could reach it.
        let length = path.as_os_str().len();
        if length > MAX_PATH {
            return Err(Failure::new(format_args!(
                "the path of the admin socket {} has {length} bytes, and the system accepts at most {MAX_PATH}; \
                 choose a shorter --data-dir",
                path.display()
            )));
        }
        let cannot = |error: io::Error| {
            Failure::because(
                format_args!("cannot make the admin socket {}", path.display()),
                &error,
            )
        };
        clear(data_dir).map_err(cannot)?;
        let listener = bind(data_dir, &path).map_err(cannot)?;
        Ok(Self { listener, file: SocketFile(path) })
    }

    /// Serves requests until the future is dropped.
    pub(crate) async fn serve(self, router: Router) {
        let Self { listener, file } = self;
        let ended = axum::serve(listener, router).await;
        if let Err(error) = ended {
            tracing::error!(%error, "The admin socket has stopped.");
        }
        drop(file);
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Another server may already have removed the file.
        drop(fs::remove_file(&self.0));
    }
}

fn bind(data_dir: &Path, path: &Path) -> io::Result<UnixListener> {
    let closed = tempfile::Builder::new().prefix(".admin").tempdir_in(data_dir)?;
    let inside = closed.path().join("s");
    let listener = UnixListener::bind(&inside)?;
    fs::set_permissions(&inside, fs::Permissions::from_mode(0o600))?;
    fs::rename(&inside, path)?;
    Ok(listener)
}

/// Removes the admin sockets on which no server listens.
fn clear(data_dir: &Path) -> io::Result<()> {
    for path in sockets(data_dir)? {
        if let Err(error) = UnixStream::connect(&path)
            && error.kind() == io::ErrorKind::ConnectionRefused
        {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Returns the paths of the admin sockets in a data directory, sorted. Sockets of other users are left out.
pub(super) fn sockets(data_dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(data_dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        // Other users may be able to write to the directory. Their sockets are ignored.
        let is_ours = || {
            fs::symlink_metadata(&path).is_ok_and(|metadata| {
                metadata.file_type().is_socket() && is_trusted(metadata.uid())
            })
        };
        if name.starts_with(PREFIX) && name.ends_with(SUFFIX) && is_ours() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Returns `true` if processes and files of a system user may speak for a server: those of root and of the user who runs
/// this process.
pub(super) fn is_trusted(user: u32) -> bool {
    [0, geteuid().as_raw()].contains(&user)
}

const PREFIX: &str = "admin-";
const SUFFIX: &str = ".sock";

/// Maximum length of the path of a socket, in bytes (`sun_path` in unix(7), without its zero byte).
const MAX_PATH: usize = 107;

#[cfg(test)]
mod tests {
    use super::*;

    /// Attack 103 in `docs/attacks.md`: reaching the administration from the network.
    #[tokio::test]
    async fn the_socket_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();

        let socket = AdminSocket::bind(folder.path()).unwrap();

        let [path] = &sockets(folder.path()).unwrap()[..] else { panic!("one socket") };
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        drop(socket);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_path_that_no_command_could_reach_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let socket = "/admin-0123456789abcdef.sock".len();
        let of_length = |length: usize| {
            let name = "d".repeat(length - socket - 1 - folder.path().as_os_str().len());
            let folder = folder.path().join(name);
            fs::create_dir(&folder).unwrap();
            folder
        };
        let (longest, longer) = (of_length(MAX_PATH), of_length(MAX_PATH + 1));

        let socket = AdminSocket::bind(&longest).unwrap();
        let error = AdminSocket::bind(&longer).unwrap_err().to_string();

        UnixStream::connect(&socket.file.0).unwrap();
        assert!(error.ends_with("at most 107; choose a shorter --data-dir"), "{error}");
    }

    #[tokio::test]
    async fn what_a_killed_server_has_left_behind_is_cleared_away() {
        let folder = tempfile::tempdir().unwrap();
        let stale = folder.path().join("admin-1.sock");
        drop(std::os::unix::net::UnixListener::bind(&stale).unwrap());
        let live = folder.path().join("admin-2.sock");
        let _listener = std::os::unix::net::UnixListener::bind(&live).unwrap();

        let _socket = AdminSocket::bind(folder.path()).unwrap();

        assert!(!stale.exists() && live.exists());
    }
}
