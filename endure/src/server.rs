//! The real server, as a process of its own.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use tempfile::TempDir;

use crate::token::Tokens;

/// A running server with a data directory of its own.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
    folder: TempDir,
    log: Arc<Mutex<String>>,
}

impl Server {
    /// Starts one with this configuration.
    ///
    /// # Panics
    /// When it does not start.
    pub(crate) fn start(config: &str) -> Self {
        let folder = TempDir::new().expect("a folder can be made");
        fs::write(folder.path().join("doorward.toml"), config).expect("a file can be written");
        fs::create_dir(folder.path().join("data")).expect("a folder can be made");
        fs::set_permissions(folder.path().join("data"), fs::Permissions::from_mode(0o700))
            .expect("the folder is ours");
        // What runs beside it, such as a proxy in front of its store, goes on meanwhile.
        tokio::task::block_in_place(|| Self::run(folder, 0))
    }

    /// Kills the server and starts it again on what it has left, at the same port.
    ///
    /// # Panics
    /// When it does not start.
    pub(crate) fn kill_and_restart(self) -> Self {
        let port = self.address.port();
        let folder = self.end("KILL");
        tokio::task::block_in_place(|| Self::run(folder, port))
    }

    /// Ends the server with a signal, and keeps its folder.
    pub(crate) fn end(mut self, signal: &str) -> TempDir {
        let kill = format!("kill -{signal} {}", self.process.id());
        Command::new("sh").args(["-c", &kill]).status().expect("there is a shell");
        self.process.wait().expect("it ends");
        let empty = TempDir::new().expect("a folder can be made");
        std::mem::replace(&mut self.folder, empty)
    }

    /// Ends the server as an operator does, and keeps its folder.
    pub(crate) fn end_in_order(self) -> TempDir {
        self.end("TERM")
    }

    fn run(folder: TempDir, port: u16) -> Self {
        let program = std::env::var_os("E2E_DOORWARD")
            .map_or_else(|| Path::new("target/debug/doorward").to_owned(), PathBuf::from);
        let mut process = Command::new(program)
            .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
            .arg("--config")
            .arg(folder.path().join("doorward.toml"))
            .arg("--data-dir")
            .arg(folder.path().join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server was built: cargo build --workspace --all-targets");
        let log = Arc::<Mutex<String>>::default();
        follow(process.stderr.take().expect("it was asked for"), Arc::clone(&log));
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().expect("it was asked for"));
        stdout.read_line(&mut line).expect("a pipe can be read");
        let port = line
            .rsplit_once(':')
            .and_then(|(_, rest)| rest.trim().trim_end_matches('/').parse().ok());
        let port = port.unwrap_or_else(|| {
            let log = log.lock().unwrap_or_else(PoisonError::into_inner);
            unreachable!("the server did not start: {line} {log}")
        });
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self { process, address, folder, log }
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Signs tokens as this server does.
    pub(crate) fn tokens(&self) -> Tokens {
        Tokens::of(&self.data_dir())
    }

    /// Resident memory, in MiB.
    ///
    /// # Panics
    /// When the process has ended.
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.expect("the server runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kib.expect("the kernel says so") / 1024
    }

    /// Everything that was logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// The address of the client with this number: as on the street, each has another one.
pub(crate) fn client_address(number: usize) -> IpAddr {
    let [_, _, high, low] = u32::try_from(number).unwrap_or_default().to_be_bytes();
    Ipv4Addr::new(127, 1, high, low.max(1)).into()
}

/// Reads a log as it comes.
fn follow(pipe: impl Read + Send + 'static, log: Arc<Mutex<String>>) {
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push_str(&line);
            log.push('\n');
        }
    });
}
