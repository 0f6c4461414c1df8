//! Reads what a piece of code logs.

use doorward_testkit::Log;
use tracing::Level;

/// Runs `code` and returns everything that it has logged on this thread, one event a line.
pub(crate) fn logged<T>(code: impl FnOnce() -> T) -> (T, String) {
    let log = Log::default();
    let kept = log.keep(Level::TRACE);
    let result = code();
    drop(kept);
    (result, log.lines().join("\n"))
}
