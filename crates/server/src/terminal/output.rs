//! Writes what people and scripts read, without ever panicking.
//!
//! Whoever reads may leave at any time: a closed standard output is an error for the caller to
//! judge, and with a closed standard error there is nobody left to tell.

use std::{
    io::{self, Write},
    sync::mpsc,
    thread,
    time::Duration,
};

/// Writes to standard output, at once.
pub(crate) fn say(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Writes one line to standard error.
pub(crate) fn complain(line: &str) {
    let line = format!("{line}\n");
    let (said, heard) = mpsc::channel();
    // When the reader of standard error stands still, a thread waits for it, and nothing else does.
    let speaker = thread::Builder::new().spawn(move || {
        // One write: a line of the log must not come in between.
        drop(io::stderr().lock().write_all(line.as_bytes()));
        said.send(()).ok();
    });
    if speaker.is_ok() {
        heard.recv_timeout(PATIENCE).ok();
    }
}

/// How long a line may take to be read. Then it is not missed.
const PATIENCE: Duration = Duration::from_millis(500);
