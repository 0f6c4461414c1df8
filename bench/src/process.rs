//! Reads the processor time and memory of a process from `/proc`.

use std::{fs, io, time::Duration};

/// Processor time of a process since its start.
#[derive(Clone, Copy, Debug)]
pub struct Cpu {
    /// Time in user mode.
    pub user: Duration,
    /// Time in the kernel.
    pub system: Duration,
}

impl Cpu {
    /// Reads the processor time of the process `pid`, which includes all of its threads.
    ///
    /// # Errors
    /// Fails if there is no such process, or no `/proc`.
    pub fn of(pid: u32) -> io::Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The second field is the program's name in brackets, which may contain spaces and brackets. The fields
        // are counted from the last bracket.
        let (_, fields) = stat.rsplit_once(") ").ok_or(io::ErrorKind::InvalidData)?;
        let mut times = fields.split(' ').skip(USER_TIME).map(str::parse);
        let mut next = || match times.next() {
            Some(Ok(ticks)) => Ok(TICK.saturating_mul(ticks)),
            _ => Err(io::Error::from(io::ErrorKind::InvalidData)),
        };
        Ok(Self { user: next()?, system: next()? })
    }

    /// Returns the time used since `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
        }
    }

    /// Returns the sum of both times.
    #[must_use]
    pub fn total(self) -> Duration {
        self.user + self.system
    }
}

/// Reads the resident memory of the process `pid`, in bytes.
///
/// # Errors
/// Fails if there is no such process, or no `/proc`.
pub fn resident_bytes(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))
        .and_then(|number| number.parse::<u64>().ok());
    Ok(kilobytes.ok_or(io::ErrorKind::InvalidData)? * 1024)
}

/// Index of `utime` among the fields after the name. It is the 14th field of `stat` (`man proc_pid_stat`).
const USER_TIME: usize = 11;

/// Unit of the times in `stat`. Linux reports hundredths of a second, independent of the kernel's own tick rate.
const TICK: Duration = Duration::from_millis(10);
