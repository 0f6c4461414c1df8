//! Disks without room.

use std::{
    env,
    ffi::OsStr,
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// A file system in memory (tmpfs) that holds no more than it was given, and programs that run on it.
///
/// It is mounted in a mount namespace of its own, which ends with the value: nothing of it is seen elsewhere on
/// the machine, and nothing is left of it. A process that is not root needs user namespaces for that.
///
/// Every method panics when the system does not do what it is told: it is for tests only.
///
/// # Examples
/// ```no_run
/// use doorward_testkit::SmallDisk;
///
/// let disk = SmallDisk::new(1 << 20);
/// let mut server = disk.command("doorward").arg("serve").arg("--data-dir").arg(disk.path()).spawn()?;
/// disk.fill();
/// // .. what does the server say now? ..
/// disk.free();
/// # server.kill()?;
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct SmallDisk {
    /// Keeps the namespace; ends when its standard input does.
    holder: Child,
    folder: tempfile::TempDir,
    is_root: bool,
}

impl SmallDisk {
    /// Makes one that holds so many bytes.
    ///
    /// # Panics
    /// When this process may neither mount nor make a user namespace.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let owner = fs::metadata(folder.path()).expect("it is there").uid();
        let is_root = owner == 0;
        let mut command = Command::new("unshare");
        command.arg("--mount");
        if !is_root {
            command.args(["--user", "--map-root-user"]);
        }
        let mount =
            format!("mount -t tmpfs -o size={bytes},mode=700 tmpfs \"$0\" && echo ready && cat");
        command.args(["sh", "-c", &mount]).arg(folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = command.spawn().expect("unshare (util-linux) is there");
        let mut ready = String::new();
        let stdout = holder.stdout.take().expect("it was asked for");
        BufReader::new(stdout).read_line(&mut ready).expect("a pipe can be read");
        assert_eq!(
            ready, "ready\n",
            "no file system could be mounted: run as root, or allow user namespaces"
        );
        Self { holder, folder, is_root }
    }

    /// Where programs see it.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where this process sees what stands at `path` of the disk. SQLite resolves such a path, and does not find it.
    ///
    /// # Panics
    /// When temporary folders have no absolute path.
    #[must_use]
    pub fn outside(&self, path: impl AsRef<Path>) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        let inside = self.folder.path().join(path);
        root.join(inside.strip_prefix("/").expect("a temporary folder has an absolute path"))
    }

    /// A program that sees the disk at [`path`](Self::path). Its process id is that of the command.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--mount=/proc/{}/ns/mnt", self.holder.id()));
        if !self.is_root {
            command.arg(format!("--user=/proc/{}/ns/user", self.holder.id()));
            command.arg("--preserve-credentials");
        }
        command.arg("--").arg(program);
        command
    }

    /// Leaves no byte free.
    ///
    /// # Panics
    /// When the disk takes no file.
    pub fn fill(&self) {
        fill(&self.outside(FILLER));
    }

    /// Gives back what [`fill`](Self::fill) has taken.
    pub fn free(&self) {
        free(&self.outside(FILLER));
    }

    /// Runs a test of this test binary once more, in a process that sees a disk of so many bytes, and returns the
    /// disk there. In the process that was started first it returns `None`, after the other one has passed.
    ///
    /// # Panics
    /// When the test fails in the other process.
    #[must_use]
    pub fn rerun(bytes: u64, test: &str) -> Option<InsideDisk> {
        if let Some(path) = env::var_os(INSIDE) {
            return Some(InsideDisk(path.into()));
        }
        let disk = Self::new(bytes);
        let program = env::current_exe().expect("this program has a file");
        let mut command = disk.command(program);
        command.args(["--exact", "--nocapture", test]).env(INSIDE, disk.path());
        let output = command.output().expect("the test can be run once more");
        let said = String::from_utf8_lossy(&output.stdout);
        let failed = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("1 passed"), "{said}{failed}");
        None
    }
}

/// A [`SmallDisk`] as a program on it sees it.
#[derive(Debug)]
pub struct InsideDisk(PathBuf);

impl InsideDisk {
    /// The folder where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Leaves no byte free.
    pub fn fill(&self) {
        fill(&self.0.join(FILLER));
    }

    /// Gives back what [`fill`](Self::fill) has taken.
    pub fn free(&self) {
        free(&self.0.join(FILLER));
    }
}

fn fill(filler: &Path) {
    let mut file = File::create(filler).expect("the disk takes a file");
    for size in [64 * 1024, 4 * 1024, 1] {
        let piece = vec![0; size];
        while file.write_all(&piece).is_ok() {}
    }
}

fn free(filler: &Path) {
    fs::remove_file(filler).expect("the filler is there");
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Its standard input ends, and it with that.
        drop(self.holder.stdin.take());
        self.holder.wait().ok();
    }
}

const FILLER: &str = "filler";

/// Tells a test where its disk is.
const INSIDE: &str = "DOORWARD_TEST_DISK";
