//! Reads from `/proc` what a process has used.

use std::{fs, io, time::Duration};

/// Processor time of a process since it began.
#[derive(Clone, Copy, Debug)]
pub struct Cpu {
    /// In its own code.
    pub user: Duration,
    /// In the kernel on its behalf.
    pub system: Duration,
}

impl Cpu {
    /// Reads the times of all threads of `pid`.
    ///
    /// # Errors
    /// When there is no such process, or no `/proc`.
    pub fn of(pid: u32) -> io::Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name of the program stands in brackets and may hold anything; `state` is behind it.
        let (_, fields) = stat.rsplit_once(") ").ok_or(io::ErrorKind::InvalidData)?;
        let mut times = fields.split(' ').skip(USER_TIME).map(str::parse);
        let mut next = || match times.next() {
            Some(Ok(ticks)) => Ok(TICK.saturating_mul(ticks)),
            _ => Err(io::Error::from(io::ErrorKind::InvalidData)),
        };
        Ok(Self { user: next()?, system: next()? })
    }

    /// Returns what was used since `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
        }
    }

    /// Returns both together.
    #[must_use]
    pub fn total(self) -> Duration {
        self.user + self.system
    }
}

/// Reads how many bytes of memory `pid` has in use.
///
/// # Errors
/// When there is no such process, or no `/proc`.
pub fn resident_bytes(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))
        .and_then(|number| number.parse::<u64>().ok());
    Ok(kilobytes.ok_or(io::ErrorKind::InvalidData)? * 1024)
}

/// `utime` is the 14th field of `stat`, the 12th behind the name (`man proc_pid_stat`).
const USER_TIME: usize = 11;

/// The kernel counts in hundredths of a second, whatever its own clock is.
const TICK: Duration = Duration::from_millis(10);
