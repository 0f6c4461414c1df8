//! Runs a real Redis server for one test, which may suspend and kill it.
//!
//! The server listens on a Unix socket in its own folder, so that tests cannot reach each other's servers. Tests
//! about addresses can let it listen on the loopback interface. The server is killed when its value is dropped.
//! Start reading at [`RedisServer::start`].

#![expect(clippy::panic, reason = "a test without its server fails with the reason")]

use std::{
    env, fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time,
};

/// A running `redis-server`. The environment variable `REDIS_SERVER` names the program. Without it, the first
/// `redis-server` on the path is used.
///
/// For tests only: every method panics if the server does not do what was requested.
///
/// # Examples
/// ```no_run
/// # async fn run() {
/// use doorward_testkit::RedisServer;
///
/// let mut server = RedisServer::start(&["--appendonly", "yes"]).await;
/// let url = server.url();
/// server.kill();
/// server.restart().await;
/// assert_eq!(server.url(), url);
/// # }
/// ```
#[derive(Debug)]
pub struct RedisServer {
    folder: TempDir,
    place: Place,
    arguments: Vec<String>,
    process: Child,
}

/// Address on which a server listens.
#[derive(Clone, Debug)]
enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl RedisServer {
    /// Starts a server on a Unix socket, with these arguments of `redis-server`. Without arguments, it keeps its
    /// data only in memory.
    ///
    /// # Panics
    /// If `redis-server` is not installed or does not start.
    pub async fn start(arguments: &[&str]) -> Self {
        let folder = TempDir::new().expect("a folder can be made");
        let place = Place::Unix(folder.path().join("redis.sock"));
        let server = Self::launch(folder, place, arguments).await;
        server.unwrap_or_else(|log| panic!("the Redis server ended immediately: {log}"))
    }

    /// Starts a server on a free port of the loopback interface.
    ///
    /// # Panics
    /// If `redis-server` is not installed or does not start.
    pub async fn start_on_tcp(arguments: &[&str]) -> Self {
        let mut last = String::new();
        // Another process may take the port before the server binds it.
        for _ in 0..ATTEMPTS {
            let folder = TempDir::new().expect("a folder can be made");
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|it| it.local_addr());
            let place = Place::Tcp(free.expect("a port is free"));
            match Self::launch(folder, place, arguments).await {
                Ok(server) => return server,
                Err(log) => last = log,
            }
        }
        panic!("no Redis server could be started: {last}");
    }

    /// Returns the URL of the server.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.place {
            Place::Tcp(address) => format!("redis://{address}"),
            Place::Unix(path) => format!("redis+unix://{}", path.display()),
        }
    }

    /// Returns the port on which the server listens. Returns `None` if it listens on a Unix socket.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match &self.place {
            Place::Tcp(address) => Some(address.port()),
            Place::Unix(_) => None,
        }
    }

    /// Returns the id of the process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Suspends the server with `SIGSTOP`. Its connections stay open, but it answers nothing.
    ///
    /// # Panics
    /// If the server is not running.
    pub fn suspend(&self) {
        self.signal(Signal::STOP);
    }

    /// Resumes a suspended server.
    ///
    /// # Panics
    /// If the server is not running.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Kills the server with `SIGKILL`.
    ///
    /// # Panics
    /// If the server cannot be killed.
    pub fn kill(&mut self) {
        self.process.kill().expect("the server is ours");
        self.process.wait().expect("the server is ours");
    }

    /// Kills the server and starts it again at the same address, with the files in its folder.
    ///
    /// # Panics
    /// If the server does not start again.
    pub async fn restart(&mut self) {
        self.kill();
        self.process = spawn(&self.folder, &self.place, &self.arguments);
        if let Err(log) = self.wait_until_available().await {
            panic!("the Redis server ended immediately: {log}");
        }
    }

    async fn launch(folder: TempDir, place: Place, arguments: &[&str]) -> Result<Self, String> {
        let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let process = spawn(&folder, &place, &arguments);
        let mut server = Self { folder, place, arguments, process };
        server.wait_until_available().await?;
        Ok(server)
    }

    /// Waits until the server answers. If the server ends instead, returns its log as the error.
    async fn wait_until_available(&mut self) -> Result<(), String> {
        let asking = async {
            loop {
                if let Some(status) = self.process.try_wait().expect("the server is ours") {
                    let log = fs::read_to_string(self.folder.path().join(LOG)).unwrap_or_default();
                    return Err(format!("{status}\n{log}"));
                }
                if matches!(ping(&self.place).await, Ok(true)) {
                    return Ok(());
                }
                time::sleep(BETWEEN_QUESTIONS).await;
            }
        };
        match time::timeout(PATIENCE, asking).await {
            Ok(result) => result,
            Err(_elapsed) => panic!("the Redis server does not answer after {PATIENCE:?}"),
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).expect("the server is running");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // Fails if the server has ended already, which is no problem here.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn spawn(folder: &TempDir, place: &Place, arguments: &[String]) -> Child {
    let program = env::var_os("REDIS_SERVER").unwrap_or_else(|| "redis-server".into());
    let mut command = Command::new(&program);
    command.arg("--dir").arg(folder.path()).args(["--logfile", LOG, "--save", ""]);
    match place {
        Place::Tcp(address) => {
            command.args(["--bind", "127.0.0.1", "--port", &address.port().to_string()]);
        }
        Place::Unix(path) => {
            command.args(["--port", "0", "--unixsocketperm", "700", "--unixsocket"]).arg(path);
        }
    }
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command.spawn() {
        Ok(process) => process,
        Err(error) if error.kind() == io::ErrorKind::NotFound => panic!(
            "{} is not installed: install it with `apt-get install redis-server`, or name it in the \
             variable REDIS_SERVER",
            program.display()
        ),
        Err(error) => panic!("{} cannot be started: {error}", program.display()),
    }
}

/// Returns `true` if the server answers and has loaded its data.
async fn ping(place: &Place) -> io::Result<bool> {
    match place {
        Place::Tcp(address) => ask(TcpStream::connect(address).await?).await,
        Place::Unix(path) => ask(UnixStream::connect(path).await?).await,
    }
}

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<bool> {
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await?;
    // A server that requires a password (`-NOAUTH`) is available; one that is loading (`-LOADING`) is not.
    Ok(matches!(&answer, b"+PONG" | b"-NOAU"))
}

/// Name of the log file in the server's folder.
const LOG: &str = "redis.log";

const ATTEMPTS: usize = 10;

const BETWEEN_QUESTIONS: Duration = Duration::from_millis(2);

/// Time limit for a server to start. A working server starts much faster.
const PATIENCE: Duration = Duration::from_secs(30);
