//! Writes what people and scripts read, without ever panicking.
//!
//! Whoever reads may leave at any time: a closed standard output is an error for the caller to
//! judge, and with a closed standard error there is nobody left to tell.

use std::io::{self, Write};

/// Writes to standard output, at once.
pub(crate) fn say(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Writes one line to standard error.
pub(crate) fn complain(line: &str) {
    // One write: a line of the log must not come in between.
    drop(io::stderr().lock().write_all(format!("{line}\n").as_bytes()));
}
