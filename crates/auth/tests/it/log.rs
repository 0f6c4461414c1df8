//! Reads what a piece of code logs.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use tracing_subscriber::filter::LevelFilter;

/// Runs `code` and returns everything that it has logged on this thread, one event a line.
pub(crate) fn logged<T>(code: impl FnOnce() -> T) -> (T, String) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let writer = Arc::clone(&log);
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || Shared(Arc::clone(&writer)))
        .finish();
    let result = tracing::subscriber::with_default(subscriber, code);
    let log = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    (result, log)
}

struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().map_or(Ok(0), |mut log| log.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
