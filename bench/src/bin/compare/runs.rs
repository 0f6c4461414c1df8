//! Starts a server, runs the load against it, and stops it.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use doorward_bench::{Failure, measurement::Measurement};

/// A kind of work to measure.
pub(crate) struct Work {
    pub(crate) name: &'static str,
    /// Arguments of `load`.
    arguments: &'static [&'static str],
    /// Servers that can do the work, by the names of their programs. All other servers are left out.
    servers: &'static [&'static str],
    pub(crate) figures: Figures,
}

/// Figures of a run to print for a kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figures {
    Memory,
    Time,
}

/// All kinds of work.
pub(crate) const WORKS: &[Work] = &[
    timed("echo, 50 clients, 1 in flight each", &["echo", "--in-flight", "1"], ALL),
    timed("echo, 50 clients, 16 in flight each", &["echo", "--in-flight", "16"], ALL),
    timed(
        "echo, 16 in flight each, three guards and two interceptors",
        &["echo", "--in-flight", "16", "--event", "guarded"],
        &["subject"],
    ),
    timed("connect, 32 at once", &["connect", "--total", "20000"], ALL),
    timed("refuse, 32 at once", &["refuse", "--total", "20000"], ALL),
    Work {
        figures: Figures::Memory,
        ..timed("idle, 5000 connections", &["idle", "--connections", "5000"], ALL)
    },
    timed(
        "broadcast to 200, 4 in flight, each delivery",
        &["broadcast", "--in-flight", "4"],
        WITH_ROOMS,
    ),
    timed(
        "broadcast to 200, 32 in flight, each delivery",
        &["broadcast", "--in-flight", "32"],
        WITH_ROOMS,
    ),
    timed("revoke 100 of 10,000 connections", &["revoke"], &["subject"]),
    timed("sign in beside 10,000 silent links", &["silent"], &["subject"]),
];

/// Returns a work whose figure is the time that it takes.
const fn timed(
    name: &'static str,
    arguments: &'static [&'static str],
    servers: &'static [&'static str],
) -> Work {
    Work { name, arguments, servers, figures: Figures::Time }
}

const ALL: &[&str] = &["floor", "subject", "doorward-bench-socketioxide"];

/// Servers with broadcasts. The floor has none, because each of its connections knows only its own
/// client.
const WITH_ROOMS: &[&str] = &["subject", "doorward-bench-socketioxide"];

impl Work {
    pub(crate) fn can(&self, server: &str) -> bool {
        // A server that is not in `ALL` was named on the command line, and is assumed to do all kinds of work.
        self.servers.contains(&server) || !ALL.contains(&server)
    }
}

/// Servers to measure. The floor comes first, because the other servers are compared with it.
pub(crate) const SERVERS: &[&str] = &["floor", "subject"];

/// Assignment of the server and the load to cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pins {
    OneCoreEach,
    Unpinned,
}

impl Pins {
    /// Tries to run a program on the second core with `taskset`. Returns `OneCoreEach` if that
    /// works, and `Unpinned` otherwise.
    pub(crate) fn find() -> Self {
        let mut taskset = Command::new("taskset");
        taskset.args(["-c", "1", "true"]).stdout(Stdio::null()).stderr(Stdio::null());
        match taskset.status() {
            Ok(status) if status.success() => Self::OneCoreEach,
            _ => Self::Unpinned,
        }
    }

    fn command(self, core: &str, program: &Path) -> Command {
        match self {
            Self::OneCoreEach => {
                let mut command = Command::new("taskset");
                command.args(["-c", core]).arg(program);
                command
            }
            Self::Unpinned => Command::new(program),
        }
    }
}

/// Starts `server`, measures `work` on it, and stops it.
pub(crate) fn run(
    folder: &Path,
    server: &Path,
    work: &Work,
    pins: Pins,
) -> Result<Measurement, Failure> {
    let mut running = Running::start(pins.command("0", server))?;
    let output = pins
        .command("1", &folder.join("load"))
        .arg("--address")
        .arg(running.address()?)
        .arg("--server-pid")
        .arg(running.0.id().to_string())
        .args(work.arguments)
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("{}: {} was not measured", server.display(), work.name).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// A server process that is killed when the value is dropped.
struct Running(Child);

impl Running {
    fn start(mut command: Command) -> Result<Self, Failure> {
        Ok(Self(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?))
    }

    /// Reads the address from the first line of the server's output.
    fn address(&mut self) -> Result<String, Failure> {
        let stdout = self.0.stdout.take().ok_or("the address was read before")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Killing fails if the server has already ended, which is no problem here.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
