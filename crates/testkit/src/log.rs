//! Records log lines for assertions.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, Once},
};

use doorward_core::lock;
use tracing::{Level, subscriber::DefaultGuard};
use tracing_subscriber::fmt::MakeWriter;

/// Recorder of the log lines of the current thread. Clones share the lines.
///
/// # Examples
/// ```
/// use doorward_testkit::Log;
///
/// let log = Log::default();
/// let kept = log.keep(tracing::Level::INFO);
/// tracing::info!(door = 7, "It is open.");
/// tracing::debug!("It creaks.");
/// drop(kept);
///
/// assert_eq!(log.lines_with("open").len(), 1);
/// assert_eq!(log.lines().len(), 1);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Records lines of this level and of more severe levels until the returned guard is dropped.
    pub fn keep(&self, level: Level) -> DefaultGuard {
        // `tracing` caches for each call site whether a subscriber is interested. While only one subscriber exists,
        // it asks only the thread that reaches the call site first, and caches a "no" for all threads if that thread
        // has no subscriber. A second, global one makes it ask all subscribers.
        static SECOND: Once = Once::new();
        SECOND.call_once(|| {
            drop(tracing::subscriber::set_global_default(tracing_subscriber::registry()));
        });
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_max_level(level);
        tracing::subscriber::set_default(subscriber.with_writer(self.clone()).finish())
    }

    /// Returns all recorded lines.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        String::from_utf8_lossy(&lock(&self.0)).lines().map(str::to_owned).collect()
    }

    /// Returns the recorded lines that contain `text`.
    #[must_use]
    pub fn lines_with(&self, text: &str) -> Vec<String> {
        self.lines().into_iter().filter(|line| line.contains(text)).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
