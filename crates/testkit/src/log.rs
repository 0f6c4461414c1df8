//! Keeps what a test logs.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, Once, PoisonError},
};

use tracing::{Level, subscriber::DefaultGuard};
use tracing_subscriber::fmt::MakeWriter;

/// The lines that this thread logs.
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
    /// Keeps lines of this level and above for as long as the guard lives.
    pub fn keep(&self, level: Level) -> DefaultGuard {
        // While one subscriber exists, `tracing` asks the thread that meets a line first whether anything wants it,
        // and remembers a no of a thread without one. With a second one it asks all of them.
        static SECOND: Once = Once::new();
        SECOND.call_once(|| {
            drop(tracing::subscriber::set_global_default(tracing_subscriber::registry()));
        });
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_max_level(level);
        tracing::subscriber::set_default(subscriber.with_writer(self.clone()).finish())
    }

    /// All lines.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        String::from_utf8_lossy(&self.lock()).lines().map(str::to_owned).collect()
    }

    /// The lines in which a text stands.
    #[must_use]
    pub fn lines_with(&self, text: &str) -> Vec<String> {
        self.lines().into_iter().filter(|line| line.contains(text)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().extend_from_slice(bytes);
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
