//! A real Redis server that belongs to one test, to be stopped and broken at will.
//!
//! It listens on a Unix socket in a folder of its own, so that no test meets another one's server; for
//! what is about addresses it can listen on the loopback interface. It is killed when it is dropped.
//! Start reading at [`RedisServer::start`].

#![expect(clippy::panic, reason = "a test without its server fails, and says why")]

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

/// A running `redis-server`: the one that the variable `REDIS_SERVER` names, or the first on the path.
///
/// Every method panics when the server does not do what it is told: it is for tests only.
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

/// Where a server listens.
#[derive(Clone, Debug)]
enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl RedisServer {
    /// Starts a server on a Unix socket. What it is not told otherwise it keeps in memory only.
    ///
    /// # Panics
    /// When there is no `redis-server`, or when it does not start.
    pub async fn start(arguments: &[&str]) -> Self {
        let folder = TempDir::new().expect("a folder can be made");
        let place = Place::Unix(folder.path().join("redis.sock"));
        match Self::launch(folder, place, arguments).await {
            Ok(server) => server,
            Err(log) => panic!("the Redis server has ended at once: {log}"),
        }
    }

    /// Starts a server on a free port of the loopback interface.
    ///
    /// # Panics
    /// When there is no `redis-server`, or when it does not start.
    pub async fn start_on_tcp(arguments: &[&str]) -> Self {
        let mut last = String::new();
        // Somebody may take the port before the server does.
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

    /// Returns the address as clients write it.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.place {
            Place::Tcp(address) => format!("redis://{address}"),
            Place::Unix(path) => format!("redis+unix://{}", path.display()),
        }
    }

    /// Returns the port, of a server on TCP.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match &self.place {
            Place::Tcp(address) => Some(address.port()),
            Place::Unix(_) => None,
        }
    }

    /// Lets the server stand still: connections stay open, and nobody answers.
    ///
    /// # Panics
    /// When it is not running.
    pub fn suspend(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets a suspended server go on.
    ///
    /// # Panics
    /// When it is not running.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Ends the server without a warning.
    ///
    /// # Panics
    /// When it cannot be ended.
    pub fn kill(&mut self) {
        self.process.kill().expect("the server is ours");
        self.process.wait().expect("the server is ours");
    }

    /// Starts the server again in the same place, with what it has written to its folder.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart(&mut self) {
        self.kill();
        self.process = spawn(&self.folder, &self.place, &self.arguments);
        if let Err(log) = self.wait_until_it_answers().await {
            panic!("the Redis server has ended at once: {log}");
        }
    }

    async fn launch(folder: TempDir, place: Place, arguments: &[&str]) -> Result<Self, String> {
        let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let process = spawn(&folder, &place, &arguments);
        let mut server = Self { folder, place, arguments, process };
        server.wait_until_it_answers().await?;
        Ok(server)
    }

    /// Asks until there is an answer; when the server has ended, says what it has written.
    async fn wait_until_it_answers(&mut self) -> Result<(), String> {
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
        // Nobody is left to be told if it is gone already.
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
            "there is no {}: install it with `apt-get install redis-server`, or name it in the \
             variable REDIS_SERVER",
            program.display()
        ),
        Err(error) => panic!("{} cannot be started: {error}", program.display()),
    }
}

/// Whether the server is there and has read what it has to read.
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
    // A server that wants a password is as good as one that answers; one that still loads is not.
    Ok(matches!(&answer, b"+PONG" | b"-NOAU"))
}

/// In the folder of the server.
const LOG: &str = "redis.log";

const ATTEMPTS: usize = 10;

const BETWEEN_QUESTIONS: Duration = Duration::from_millis(2);

/// A server that takes longer does not start at all. Nothing waits that long for one that does.
const PATIENCE: Duration = Duration::from_secs(30);
