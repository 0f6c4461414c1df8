//! Makes small file systems that can be filled.

use std::{
    env,
    ffi::OsStr,
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// File system in memory (tmpfs) of a limited size, for programs that are started on it.
///
/// The disk is mounted in its own mount namespace, which ends when the value is dropped. Other processes do not see
/// the disk, and nothing is left afterwards. A process that is not root needs user namespaces to create one.
///
/// For tests only: every method panics if the system refuses an operation.
///
/// # Examples
/// ```no_run
/// use doorward_testkit::SmallDisk;
///
/// let disk = SmallDisk::new(1 << 20);
/// let mut server = disk.command("doorward").arg("serve").arg("--data-dir").arg(disk.path()).spawn()?;
/// disk.fill();
/// // .. check how the server reacts ..
/// disk.free();
/// # server.kill()?;
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct SmallDisk {
    /// Process that keeps the namespace alive. It ends when its standard input is closed.
    holder: Child,
    folder: tempfile::TempDir,
    is_root: bool,
}

impl SmallDisk {
    /// Creates a disk of `bytes` bytes.
    ///
    /// # Panics
    /// If this process may neither mount file systems nor create a user namespace.
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

    /// Returns the path at which the programs of [`command`](Self::command) see the disk.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the path at which this process sees the file `path` of the disk. SQLite cannot use this path,
    /// because it resolves the path and then does not find the file.
    ///
    /// # Panics
    /// If temporary folders have no absolute path.
    #[must_use]
    pub fn outside(&self, path: impl AsRef<Path>) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        let inside = self.folder.path().join(path);
        root.join(inside.strip_prefix("/").expect("a temporary folder has an absolute path"))
    }

    /// Returns a command for a program that sees the disk at [`path`](Self::path). `nsenter` executes the program in
    /// place, so the process id is that of the program.
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

    /// Fills the disk until no byte is free.
    ///
    /// # Panics
    /// If no file can be created on the disk.
    pub fn fill(&self) {
        fill(&self.outside(FILLER));
    }

    /// Frees the space that [`fill`](Self::fill) has used.
    pub fn free(&self) {
        free(&self.outside(FILLER));
    }

    /// Runs the calling test again in a child process on a disk of `bytes` bytes. `test` is the path of the test in
    /// this test binary. Returns the disk in the child. In the parent, returns `None` after the test has passed in
    /// the child.
    ///
    /// # Panics
    /// If the test fails in the child.
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
        // A misspelled name would run no test and succeed, so the number of passed tests is checked too.
        let said = String::from_utf8_lossy(&output.stdout);
        let failed = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("1 passed"), "{said}{failed}");
        None
    }
}

/// A [`SmallDisk`], seen from a program that runs on it.
#[derive(Debug)]
pub struct InsideDisk(PathBuf);

impl InsideDisk {
    /// Returns the folder at which the disk is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Fills the disk until no byte is free.
    pub fn fill(&self) {
        fill(&self.0.join(FILLER));
    }

    /// Frees the space that [`fill`](Self::fill) has used.
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
        // Closing its standard input ends the process.
        drop(self.holder.stdin.take());
        self.holder.wait().ok();
    }
}

const FILLER: &str = "filler";

/// Environment variable that passes the path of the disk to the child of [`SmallDisk::rerun`].
const INSIDE: &str = "DOORWARD_TEST_DISK";
