//! Measures time between two wall-clock times that different callers have read.

use std::time::{Duration, SystemTime};

/// Returns the time from `then` to `now`.
///
/// Callers read the clock at slightly different moments, so `now` may be a little earlier than
/// `then`. The result is then zero. If the clock was set back by more than [`JITTER`], the true time is
/// unknown, and the result is the longest duration. The caller then reads the keys again.
pub(crate) fn since(then: SystemTime, now: SystemTime) -> Duration {
    match now.duration_since(then) {
        Ok(passed) => passed,
        Err(back) if back.duration() <= JITTER => Duration::ZERO,
        Err(_) => Duration::MAX,
    }
}

/// Maximum time by which callers differ. An admission takes less.
const JITTER: Duration = Duration::from_secs(60);
