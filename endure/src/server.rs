//! Runs the real server as a separate process.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use tempfile::TempDir;
use tokio::time::Instant;

use crate::token::Tokens;

/// A running server with its own data directory.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
    folder: TempDir,
    log: Arc<Mutex<String>>,
}

impl Server {
    /// Starts a server with this configuration in TOML, and waits until it listens.
    ///
    /// # Panics
    /// If the server does not start.
    pub(crate) fn start(config: &str) -> Self {
        let folder = TempDir::new().expect("a folder can be made");
        fs::write(folder.path().join("doorward.toml"), config).expect("a file can be written");
        fs::create_dir(folder.path().join("data")).expect("a folder can be made");
        fs::set_permissions(folder.path().join("data"), fs::Permissions::from_mode(0o700))
            .expect("the folder is ours");
        // `run` blocks until the server listens. Other tasks, such as a proxy for its store, must run meanwhile.
        tokio::task::block_in_place(|| Self::run(folder, 0))
    }

    /// Kills the server and starts it again on the same port, with the same data directory.
    ///
    /// # Panics
    /// If the server does not start.
    pub(crate) fn kill_and_restart(self) -> Self {
        let port = self.address.port();
        let folder = self.end("KILL");
        tokio::task::block_in_place(|| Self::run(folder, port))
    }

    /// Starts the next process, which waits for the data directory, and ends this one. Returns the next process and the
    /// time from the end of this one until the next one listens.
    ///
    /// # Panics
    /// If the next process does not start.
    pub(crate) fn hand_over(mut self) -> (Self, Duration) {
        let next = Starting::begin(self.folder.path(), self.address.port());
        while !next.said("waiting for it to end") {
            thread::yield_now();
        }
        let kill = format!("kill -TERM {}", self.process.id());
        Command::new("sh").args(["-c", &kill]).status().expect("there is a shell");
        self.process.wait().expect("the process can be waited for");
        let ended = Instant::now();
        let (process, address, log) = next.listening();
        let pause = ended.elapsed();
        let empty = TempDir::new().expect("a folder can be made");
        let folder = std::mem::replace(&mut self.folder, empty);
        (Self { process, address, folder, log }, pause)
    }

    /// Sends a signal, such as `TERM`, waits until the server has ended, and returns its folder.
    pub(crate) fn end(mut self, signal: &str) -> TempDir {
        let kill = format!("kill -{signal} {}", self.process.id());
        Command::new("sh").args(["-c", &kill]).status().expect("there is a shell");
        self.process.wait().expect("the process can be waited for");
        let empty = TempDir::new().expect("a folder can be made");
        std::mem::replace(&mut self.folder, empty)
    }

    /// Shuts the server down with `SIGTERM`, and starts it again on the same port.
    ///
    /// # Panics
    /// If the server does not start.
    pub(crate) fn end_and_restart(self) -> Self {
        let port = self.address.port();
        let folder = self.end("TERM");
        Self::run(folder, port)
    }

    /// Shuts the server down with `SIGTERM`, as an operator does, and returns its folder.
    pub(crate) fn end_in_order(self) -> TempDir {
        self.end("TERM")
    }

    fn run(folder: TempDir, port: u16) -> Self {
        let (process, address, log) = Starting::begin(folder.path(), port).listening();
        Self { process, address, folder, log }
    }

    /// Returns the id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Returns an issuer with the signing key of this server.
    pub(crate) fn tokens(&self) -> Tokens {
        Tokens::of(&self.data_dir())
    }

    /// Returns the resident memory of the server in MiB.
    ///
    /// # Panics
    /// If the process has ended.
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.expect("the server runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kib.expect("the kernel reports VmRSS") / 1024
    }

    /// Returns the log of the server so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A process that has been started, and does not listen yet.
struct Starting {
    process: Child,
    log: Arc<Mutex<String>>,
}

impl Starting {
    /// Starts a process with the configuration in this folder.
    fn begin(folder: &Path, port: u16) -> Self {
        let mut process = Command::new(program())
            .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
            .arg("--config")
            .arg(folder.join("doorward.toml"))
            .arg("--data-dir")
            .arg(folder.join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server was built: cargo build --workspace --all-targets");
        let log = Arc::<Mutex<String>>::default();
        follow(process.stderr.take().expect("it was asked for"), Arc::clone(&log));
        Self { process, log }
    }

    /// Returns `true` if the process has written this to its log or to standard error.
    fn said(&self, words: &str) -> bool {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).contains(words)
    }

    /// Waits until the process listens.
    fn listening(self) -> (Child, SocketAddr, Arc<Mutex<String>>) {
        let Self { mut process, log } = self;
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().expect("it was asked for"));
        stdout.read_line(&mut line).expect("a pipe can be read");
        // The first line of output ends with the port, and sometimes a slash after it.
        let port = line
            .rsplit_once(':')
            .and_then(|(_, rest)| rest.trim().trim_end_matches('/').parse().ok());
        let port = port.unwrap_or_else(|| {
            let log = log.lock().unwrap_or_else(PoisonError::into_inner);
            unreachable!("the server did not start: {line} {log}")
        });
        (process, SocketAddr::from((Ipv4Addr::LOCALHOST, port)), log)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Returns the path of the server's program.
pub(crate) fn program() -> PathBuf {
    let built = || Path::new("target/debug/doorward").to_owned();
    std::env::var_os("E2E_DOORWARD").map_or_else(built, PathBuf::from)
}

/// Returns the loopback address of a client. Each client has its own address, as on the internet, so that limits per
/// address apply to each client alone.
pub(crate) fn client_address(number: usize) -> IpAddr {
    let [_, _, high, low] = u32::try_from(number).unwrap_or_default().to_be_bytes();
    Ipv4Addr::new(127, 1, high, low.max(1)).into()
}

/// Collects the lines of a log in a thread, so that the pipe never fills up.
fn follow(pipe: impl Read + Send + 'static, log: Arc<Mutex<String>>) {
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push_str(&line);
            log.push('\n');
        }
    });
}
