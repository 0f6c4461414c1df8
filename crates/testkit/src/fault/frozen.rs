//! Suspends processes.

use std::{fs, thread};

use rustix::process::{Pid, Signal, kill_process};

/// Process that is suspended with `SIGSTOP`. Its sockets stay open, but the process answers nothing. It resumes
/// when this value is dropped.
///
/// # Examples
/// ```
/// use doorward_testkit::Frozen;
///
/// let mut process = std::process::Command::new("sleep").arg("60").spawn()?;
/// let frozen = Frozen::new(process.id());
/// // .. the process answers nothing ..
/// drop(frozen);
/// process.kill()?;
/// process.wait()?;
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Frozen(Pid);

impl Frozen {
    /// Suspends the process with this id, and waits until none of its threads runs.
    ///
    /// # Panics
    /// If there is no such process, or it belongs to another user.
    #[must_use]
    pub fn new(process: u32) -> Self {
        let id = i32::try_from(process).ok().and_then(Pid::from_raw).expect("it is a process id");
        kill_process(id, Signal::STOP).expect("the process can be stopped");
        while !is_stopped(process) {
            thread::yield_now();
        }
        Self(id)
    }
}

/// Returns `true` if all threads of a process are stopped, as `/proc` shows them.
fn is_stopped(process: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{process}/task")).expect("the process exists");
    threads.flatten().all(|thread| {
        // The state follows the name of the program, which is in parentheses.
        let status = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        status.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('T'))
    })
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // The process may have been killed meanwhile.
        kill_process(self.0, Signal::CONT).ok();
    }
}
