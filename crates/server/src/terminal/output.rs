//! Writes to standard output and standard error without ever panicking.
//!
//! The reader of a pipe may close it at any time. A closed standard output is an error for the caller to handle. A
//! closed standard error is ignored, because there is no other place to report it.

use std::{
    io::{self, Write},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde::Serialize;

use super::{Failure, OrFail as _};

/// Writes a text to standard output and flushes.
pub(crate) fn say(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Returns a list as one line of JSON.
pub(crate) fn json(list: &impl Serialize) -> Result<String, Failure> {
    Ok(serde_json::to_string(list).or_fail("cannot print the list")? + "\n")
}

/// Writes one line to standard error. Ignores an error, and gives up after half a second.
pub(crate) fn complain(line: &str) {
    let line = format!("{line}\n");
    let (said, heard) = mpsc::channel();
    // If the reader of standard error is stuck, only this thread blocks.
    let speaker = thread::Builder::new().spawn(move || {
        // One write call, so that lines of the log are not interleaved with this line.
        drop(io::stderr().lock().write_all(line.as_bytes()));
        said.send(()).ok();
    });
    if speaker.is_ok() {
        heard.recv_timeout(PATIENCE).ok();
    }
}

/// Maximum time to wait until the line is written.
const PATIENCE: Duration = Duration::from_millis(500);
