//! Runs the program `doorward`, and ends it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread::{self, JoinHandle},
    time::Duration,
};

use doorward_testkit::{RawClient, Seen};

/// Deadline of every wait; a passing test never reaches it.
const DEADLINE: Duration = Duration::from_secs(30);

/// Waits for what the nodes do, and fails the test after a minute.
pub(crate) async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), work).await.expect("it happens within a minute")
}

/// Makes a command of the program with these arguments and without settings in the environment.
pub(crate) fn doorward(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    command.args(arguments).env_remove("NO_COLOR");
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("DOORWARD_") || ["DATABASE_URL", "REDIS_URL"].contains(&&*name) {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Appends the arguments and the environment of `inner` to a command that starts it.
pub(crate) fn take_over(command: &mut Command, inner: &Command) {
    command.args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
}

/// Exit code and output of a program that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command to its end.
pub(crate) fn finish(command: &mut Command) -> Finished {
    let mut child = KilledOnDrop(command.spawn().unwrap());
    let stdout = child.0.stdout.take().map(Collected::new);
    let stderr = child.0.stderr.take().map(Collected::new);
    child.finished(stdout, stderr)
}

/// Runs the program to its end with these arguments.
pub(crate) fn run(arguments: &[&str]) -> Finished {
    finish(&mut doorward(arguments))
}

/// Makes a token for `alice` with the key of a data directory.
pub(crate) fn token(data_dir: &Path) -> String {
    let made = run(&["token", "--sub", "alice", "--data-dir", path(data_dir)]);
    assert_eq!(made.code, Some(0), "{made:?}");
    made.stdout.trim_end().to_owned()
}

/// Creates a session by the operator's command, and returns its token.
pub(crate) fn session(data_dir: &Path, user: &str) -> String {
    let made = run(&["sessions", "--user", user, "--create", "--data-dir", path(data_dir)]);
    assert_eq!(made.code, Some(0), "{made:?}");
    made.stdout.trim_end().to_owned()
}

/// Returns the `auth` of a CONNECT with an access token.
pub(crate) fn by_token(token: &str) -> String {
    format!(r#"{{"token":"{token}"}}"#)
}

/// Returns the `auth` of a CONNECT with a session token.
pub(crate) fn by_session(session: &str) -> String {
    format!(r#"{{"sessionToken":"{session}"}}"#)
}

pub(crate) fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Reads one column of a database that no server has open.
pub(crate) async fn rows(database: &Path, query: &'static str) -> Vec<String> {
    use sqlx::Connection as _;

    let url = format!("sqlite:{}", path(database));
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap()
}

/// Calls `ask` until it returns a value; fails after the deadline.
#[track_caller]
pub(crate) fn eventually<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = tokio::time::Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "the condition should hold before the deadline");
    }
}

/// Child process that is killed on drop.
struct KilledOnDrop(Child);

impl KilledOnDrop {
    /// Waits for the end of the pipes, which has a deadline, and then for the process.
    fn finished(&mut self, stdout: Option<Collected>, stderr: Option<Collected>) -> Finished {
        let text = |collected: Option<Collected>| collected.map_or(String::new(), Collected::text);
        let (stdout, stderr) = (text(stdout), text(stderr));
        Finished { code: self.0.wait().unwrap().code(), stdout, stderr }
    }
}

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        // The process may have ended already. Then there is nothing to do.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Output of a pipe, which a thread reads as it arrives so that the program never blocks on it.
struct Collected {
    lines: mpsc::Receiver<String>,
    reader: JoinHandle<String>,
}

impl Collected {
    fn new(pipe: impl Read + Send + 'static) -> Self {
        let (send, lines) = mpsc::channel();
        let reader = thread::spawn(move || {
            let mut all = String::new();
            for line in BufReader::new(pipe).lines() {
                let line = line.unwrap();
                all += &line;
                all.push('\n');
                // The receiver may be gone already.
                drop(send.send(line));
            }
            all
        });
        Self { lines, reader }
    }

    /// Waits for a line that contains `text` and returns it.
    fn line_with(&self, text: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(DEADLINE);
            let line = line.unwrap_or_else(|error| panic!("no line with {text:?}: {error}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Waits for the end of the pipe and returns all output.
    fn text(self) -> String {
        loop {
            match self.lines.recv_timeout(DEADLINE) {
                Ok(_) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return self.reader.join().unwrap(),
                Err(error) => panic!("the program did not end: {error}"),
            }
        }
    }
}

/// Running server on a free port with a data directory of its own; killed on drop.
pub(crate) struct Server {
    running: KilledOnDrop,
    stdout: Option<Collected>,
    stderr: Option<Collected>,
    folder: tempfile::TempDir,
    data_dir: PathBuf,
    port: u16,
}

impl Server {
    /// Starts a server without settings.
    pub(crate) fn start() -> Self {
        Self::start_with("", |_| {})
    }

    /// Starts a server with a configuration file, and with its command changed by `change`.
    pub(crate) fn start_with(config: &str, change: impl FnOnce(&mut Command)) -> Self {
        Self::start_at("localhost:0", config, change)
    }

    /// Starts a server that listens at `at`.
    pub(crate) fn start_at(at: &str, config: &str, change: impl FnOnce(&mut Command)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        Self::spawn(at, config, folder, data, change)
    }

    /// Starts a server on an existing data directory.
    pub(crate) fn start_in(data_dir: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::spawn("localhost:0", "", folder, data_dir.to_owned(), |_| {})
    }

    /// Starts a server at `at` on a data directory that may exist, with its command changed by `change`.
    pub(crate) fn start_on(at: &str, data_dir: PathBuf, change: impl FnOnce(&mut Command)) -> Self {
        Self::spawn(at, "", tempfile::tempdir().unwrap(), data_dir, change)
    }

    /// Starts a server with a configuration file and a data directory, and with its command changed by
    /// `change`.
    pub(crate) fn start_configured(
        config: &str,
        data_dir: PathBuf,
        change: impl FnOnce(&mut Command),
    ) -> Self {
        Self::spawn("localhost:0", config, tempfile::tempdir().unwrap(), data_dir, change)
    }

    fn spawn(
        at: &str,
        config: &str,
        folder: tempfile::TempDir,
        data_dir: PathBuf,
        change: impl FnOnce(&mut Command),
    ) -> Self {
        std::fs::write(folder.path().join("doorward.toml"), config).unwrap();
        Self::run_in(at, folder, data_dir, change)
    }

    /// Starts a server with the configuration file in `folder`.
    fn run_in(
        at: &str,
        folder: tempfile::TempDir,
        data_dir: PathBuf,
        change: impl FnOnce(&mut Command),
    ) -> Self {
        let file = folder.path().join("doorward.toml");
        let mut command = doorward(&["serve", "--listen", at]);
        command.arg("--config").arg(&file).arg("--data-dir").arg(&data_dir);
        change(&mut command);
        let mut running = KilledOnDrop(command.spawn().unwrap());
        let stdout = running.0.stdout.take().map(Collected::new);
        let stderr = running.0.stderr.take().map(Collected::new);
        // The address is in the log when standard output is closed.
        let line = match (&stdout, &stderr) {
            (Some(stdout), _) => stdout.line_with("://localhost:"),
            (None, Some(stderr)) => stderr.line_with("://localhost:"),
            (None, None) => panic!("without output the address of the server is unknown"),
        };
        let (_, rest) = line.split_once("://localhost:").unwrap();
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        Self { running, stdout, stderr, folder, data_dir, port: digits.parse().unwrap() }
    }

    /// Returns the id of the process.
    #[cfg(target_os = "linux")]
    pub(crate) fn id(&self) -> u32 {
        self.running.0.id()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("doorward.toml")
    }

    /// Ends the server with SIGTERM and returns its whole output.
    pub(crate) fn stop(self) -> String {
        let ended = self.end("TERM");
        ended.stdout + &ended.stderr
    }

    /// Ends the server with a signal and waits for the process.
    pub(crate) fn end(mut self, signal: &str) -> Finished {
        self.signal(signal);
        self.running.finished(self.stdout.take(), self.stderr.take())
    }

    /// Ends the server with SIGTERM, and starts it again on its data directory and port.
    pub(crate) fn restart(self) -> Self {
        self.restart_with(|_| {})
    }

    /// Ends the server and starts it again like `restart`, with the command changed by `change`.
    pub(crate) fn restart_with(self, change: impl FnOnce(&mut Command)) -> Self {
        let (at, data_dir) = (format!("localhost:{}", self.port), self.data_dir.clone());
        Self::run_in(&at, self.end_and_keep("TERM"), data_dir, change)
    }

    /// Ends the server with a signal, and returns its folder, which is deleted on drop.
    pub(crate) fn end_and_keep(mut self, signal: &str) -> tempfile::TempDir {
        self.signal(signal);
        self.running.finished(self.stdout.take(), self.stderr.take());
        self.folder
    }

    /// Waits for a line of the log that contains `text` and returns it.
    pub(crate) fn logged(&self, text: &str) -> String {
        self.stderr.as_ref().unwrap().line_with(text)
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let kill = format!("kill -{signal} {}", self.running.0.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Runs the program to its end with these arguments, on the data directory of the server.
    pub(crate) fn operate(&self, arguments: &[&str]) -> Finished {
        run(&[arguments, &["--data-dir", path(&self.data_dir)]].concat())
    }

    /// Connects a client with this `auth`, which must be admitted.
    pub(crate) async fn connect(&self, auth: &str) -> RawClient {
        let mut client = RawClient::open(self.address()).await;
        client.text(&format!("40{auth}")).await;
        client.json("40").await;
        client
    }

    /// Sends a CONNECT with `auth` and returns the code of the refusal, after which the link must close.
    pub(crate) async fn refusal(&self, auth: &str) -> String {
        let mut client = RawClient::open(self.address()).await;
        client.text(&format!("40{auth}")).await;
        let answer = client.json("44").await;
        assert_eq!(client.rest().await.last(), Some(&Seen::Closed(Some(1000))), "{auth}");
        answer["data"]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Sends a request without a body, with a `Host` of `localhost` and the port.
    pub(crate) fn request(&self, method: &str, path: &str) -> Answer {
        self.request_with(method, path, &format!("Host: localhost:{}\r\n", self.port))
    }

    /// Sends a request without a body, with exactly these headers and `Connection: close`.
    pub(crate) fn request_with(&self, method: &str, path: &str, headers: &str) -> Answer {
        self.request_with_body(method, path, headers, "")
    }

    /// Sends a request with exactly these headers, `Connection: close` and this body.
    pub(crate) fn request_with_body(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> Answer {
        let request =
            format!("{method} {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n{body}");
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        Answer::read(&bytes)
    }
}

/// HTTP response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn read(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head, body: bytes[end + 4..].to_vec() }
    }

    /// Returns the value of a header, which must not occur twice.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let mut values = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let value = values.next()?.1;
        assert!(values.next().is_none(), "{name} occurs twice in {}", self.head);
        Some(value)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}
