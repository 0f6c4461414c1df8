//! Captures the log output of a closure.

use doorward_testkit::Log;
use tracing::Level;

/// Runs `code` and returns everything it logged on this thread, one event per line.
pub(crate) fn logged<T>(code: impl FnOnce() -> T) -> (T, String) {
    let log = Log::default();
    let kept = log.keep(Level::TRACE);
    let result = code();
    drop(kept);
    (result, log.lines().join("\n"))
}
