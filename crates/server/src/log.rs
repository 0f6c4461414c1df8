//! Writes the log to standard error without ever blocking the server.
//!
//! A separate thread writes the lines, which wait in a bounded queue. If the reader of standard error is stuck,
//! lines are dropped and counted (`doorward_log_lines_dropped_total`). A line of more than [`line::MAX`] bytes is
//! cut. One place in the code may write a limited number of lines in ten seconds ([`ceiling`]). Further lines are
//! counted, and the count is reported. `DOORWARD_LOG` is the filter, in the syntax of tracing-subscriber. An
//! invalid filter is an error. Start reading at [`start`].

mod ceiling;
mod line;

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    io::{self, IsTerminal},
    panic,
};

use doorward::server::{Clock as _, SystemClock};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use self::{ceiling::Ceiling, line::Lines};
use crate::terminal::{Failure, OrFail as _};

/// The running log. Dropping it flushes the queue, for at most one second.
pub(crate) struct Log {
    _worker: WorkerGuard,
    dropped: ErrorCounter,
    ceiling: Ceiling,
}

/// Starts the log. Call this function once. Fails if `DOORWARD_LOG` is not a valid filter.
pub(crate) fn start() -> Result<Log, Failure> {
    let setting = std::env::var_os(VARIABLE).unwrap_or_default();
    let filter = filter(&setting.to_string_lossy())?;
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let (writer, worker) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(QUEUE)
        .thread_name("log")
        .finish(io::stderr());
    let log = Log { dropped: writer.error_counter(), _worker: worker, ceiling: Ceiling::default() };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(Lines(writer))
        .with_ansi(io::stderr().is_terminal() && !no_color)
        // Internal errors would be printed to standard error, which has just failed, and the macro that prints them
        // would panic.
        .log_internal_errors(false)
        .with_filter(log.ceiling.clone());
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init()
        .or_fail("cannot start the log")?;
    // The default hook writes to standard error directly and would block.
    panic::set_hook(Box::new(|panicked| {
        let place = panicked.location().map(tracing::field::display);
        let text = panicked.payload_as_str().unwrap_or("no text");
        let thread = std::thread::current();
        // Empty unless RUST_BACKTRACE is set.
        let trace = Backtrace::capture();
        let trace = (trace.status() == BacktraceStatus::Captured).then(|| trace.to_string());
        tracing::error!(place, text, thread = thread.name(), trace, "Panicked.");
    }));
    Ok(log)
}

impl Drop for Log {
    fn drop(&mut self) {
        self.ceiling.tell();
    }
}

impl Log {
    /// Every ten seconds, updates the metric of dropped lines and logs the number of suppressed lines. Runs until
    /// the future is dropped.
    pub(crate) async fn watch(&self) {
        loop {
            SystemClock.sleep_until(SystemClock.now() + ceiling::WINDOW).await;
            let dropped = u64::try_from(self.dropped.dropped_lines()).unwrap_or(u64::MAX);
            metrics::counter!("doorward_log_lines_dropped_total").absolute(dropped);
            self.ceiling.tell();
        }
    }
}

fn filter(setting: &str) -> Result<EnvFilter, Failure> {
    let setting = if setting.trim().is_empty() { DEFAULT } else { setting };
    EnvFilter::builder().parse(setting).map_err(|error| {
        Failure::new(format_args!(
            "{VARIABLE} is no log filter ({error}); write one such as info or doorward=debug,info"
        ))
    })
}

/// Capacity of the queue in lines. A full queue usually has one or two MiB, and 32 MiB if all lines have the
/// maximum length.
const QUEUE: usize = 4_096;

const VARIABLE: &str = "DOORWARD_LOG";

/// Filter of the log if `DOORWARD_LOG` is not set. It turns off the passkey library, which logs an error for every
/// invalid proof. Any client can send such a proof, and the audit record has the reason. It also turns off the
/// spans of events, because a span costs about as much as a small event. Handlers of this server do not need spans,
/// because they log only failures, which have an id.
const DEFAULT: &str = "info,doorward::event=off,webauthn_rs=off,webauthn_rs_core=off";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_setting_is_the_default() {
        for setting in ["", " ", "info"] {
            let filter = filter(setting).unwrap().to_string();
            assert!(filter.split(',').any(|directive| directive == "info"), "{filter}");
        }
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_refused() {
        for setting in ["doorward=loud", "a=b=c", "[", "info,=,"] {
            let failure = filter(setting).map(|_| ()).unwrap_err().to_string();

            assert!(failure.starts_with("doorward: DOORWARD_LOG is no log filter ("), "{failure}");
        }
    }
}
