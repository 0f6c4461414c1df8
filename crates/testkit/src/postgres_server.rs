//! Runs a real PostgreSQL server for tests.
//!
//! One server serves a whole test program, because creating one takes a second. Each test gets a database of its
//! own. The server listens only on a Unix socket in its own folder. A shell starts the server, and stops it when
//! the pipe to this process breaks. So nothing is left behind, however this process ends. Start reading at
//! [`PostgresServer::shared`].

#![expect(clippy::panic, reason = "a test without its server fails with the reason")]

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use doorward_core::lock;
use tempfile::TempDir;

/// A running PostgreSQL server. Its programs are taken from the folder in the environment variable
/// `POSTGRES_BIN`, or from the newest installed version.
///
/// For tests only: every method panics if the server does not do what was requested.
///
/// # Examples
/// ```no_run
/// use doorward_testkit::PostgresServer;
///
/// let url = PostgresServer::shared().database();
/// assert!(url.starts_with("postgres://"));
/// ```
#[derive(Debug)]
pub struct PostgresServer {
    programs: PathBuf,
    folder: PathBuf,
    shell: Mutex<Shell>,
    databases: AtomicU32,
}

/// The shell that starts and stops the server.
#[derive(Debug)]
struct Shell {
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    _process: Child,
}

impl PostgresServer {
    /// Returns the server of this test program, and starts it at the first call.
    ///
    /// # Panics
    /// If PostgreSQL is not installed or does not start.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<PostgresServer> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts a separate server, which the caller may restart without affecting other tests.
    ///
    /// # Panics
    /// If PostgreSQL is not installed or does not start.
    #[must_use]
    pub fn start() -> Self {
        let programs = programs();
        // Kept here: the shell removes the folder after the server has ended.
        let folder = TempDir::new().expect("a folder can be made").keep();
        let mut process = Command::new("sh")
            .args(["-c", SCRIPT])
            .env("BIN", &programs)
            .env("DIR", &folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("there is a shell");
        let orders = process.stdin.take().expect("it was asked for");
        let answers = BufReader::new(process.stdout.take().expect("it was asked for"));
        let shell = Shell { orders, answers, _process: process };
        let server =
            Self { programs, folder, shell: Mutex::new(shell), databases: AtomicU32::new(0) };
        server.wait();
        server
    }

    /// Creates an empty database and returns its URL.
    ///
    /// # Panics
    /// If the server does not create the database.
    #[must_use]
    pub fn database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.run(&format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// Returns the URL of a database, for the superuser `postgres`.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.folder.display())
    }

    /// Returns the path of the Unix socket on which the server listens.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.join(".s.PGSQL.5432")
    }

    /// Runs a statement with `psql`.
    ///
    /// # Panics
    /// If the statement fails.
    pub fn run(&self, statement: &str) {
        let mut command = Command::new(self.programs.join("psql"));
        command.arg("--host").arg(&self.folder);
        command.args(["--username", "postgres", "--no-psqlrc", "--quiet", "--command", statement]);
        let output = command.output().expect("psql can be started");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Stops the server at once with `SIGQUIT`, as after a crash, and starts it again with the same data.
    ///
    /// # Panics
    /// If the server does not start again.
    pub fn restart(&self) {
        let mut shell = lock(&self.shell);
        shell.orders.write_all(b"restart\n").expect("the shell is there");
        drop(shell);
        self.wait();
    }

    fn wait(&self) {
        let mut shell = lock(&self.shell);
        let mut line = String::new();
        shell.answers.read_line(&mut line).expect("the shell is there");
        if line != "ready\n" {
            let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            panic!("PostgreSQL does not start: {line}{log}");
        }
    }
}

/// Returns the folder of PostgreSQL's programs.
fn programs() -> PathBuf {
    if let Some(named) = env::var_os("POSTGRES_BIN") {
        return named.into();
    }
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    found.retain(|folder| folder.join("initdb").is_file());
    found.sort();
    let on_path = env::var_os("PATH")
        .and_then(|path| env::split_paths(&path).find(|folder| folder.join("initdb").is_file()));
    found.pop().or(on_path).unwrap_or_else(|| {
        panic!(
            "PostgreSQL is not installed: install it with `apt-get install postgresql`, or name the folder \
             of its programs in the variable POSTGRES_BIN"
        )
    })
}

/// Shell script that runs the server. PostgreSQL refuses to run as root, so root starts it as the user `postgres`.
/// Each line on standard input restarts the server. The end of input stops the server and removes the folder.
/// `fsync` is off, because tests kill only the process, and what it has written is then still in the page cache.
const SCRIPT: &str = r#"
if [ "$(id -u)" = 0 ]; then
    as="setpriv --reuid=postgres --regid=postgres --clear-groups --"
    chown postgres "$DIR"
fi
begin() {
    $as "$BIN/postgres" -D "$DIR/data" -k "$DIR" -c listen_addresses= -c fsync=off \
        -c max_connections=200 >>"$DIR/log" 2>&1 </dev/null &
    server=$!
    until "$BIN/pg_isready" -q -h "$DIR" >/dev/null 2>&1; do
        kill -0 $server 2>/dev/null || { echo "it has ended"; rm -rf "$DIR"; exit 1; }
        sleep 0.02
    done
    echo ready
}
cd /
$as "$BIN/initdb" -D "$DIR/data" -A trust -U postgres --no-sync --no-locale -E UTF8 >"$DIR/log" 2>&1
begin
while read -r _; do
    kill -QUIT $server
    wait $server
    rm -f "$DIR/data/postmaster.pid"
    begin
done
kill -QUIT $server
wait $server
rm -rf "$DIR"
"#;
