//! Limits the number of lines that one place in the code writes to the log.
//!
//! Unauthenticated clients, or a failure of all sockets at once, would otherwise fill the disk with copies of one
//! line. Each place may write [`LINES`] lines in ten seconds. Further lines are counted, and one line at the end of
//! the interval reports the count. Errors are limited too, because the first errors are enough to see the cause.
//! Debug and trace lines are not limited. Audit records are not limited here, because records that unauthenticated
//! clients cause are aggregated before they reach the log.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex},
    time::Duration,
};

use doorward_core::lock;
use tracing::{Event, Level, Metadata, Subscriber, callsite::Identifier};
use tracing_subscriber::layer::{Context, Filter};

/// Filter that limits the lines of each place in the code. Clones share the counts.
#[derive(Clone, Default)]
pub(super) struct Ceiling {
    /// Number of lines in this interval, by place in the code. The lock is held for one lookup.
    counts: Arc<Mutex<HashMap<Identifier, Count>>>,
}

struct Count {
    of: &'static Metadata<'static>,
    lines: u64,
}

impl Ceiling {
    /// Counts one line of a place. Returns `true` if the place may write this line.
    fn admits(&self, of: &'static Metadata<'static>) -> bool {
        let mut counts = lock(&self.counts);
        let count = counts.entry(of.callsite()).or_insert(Count { of, lines: 0 });
        count.lines += 1;
        count.lines <= LINES
    }

    /// Starts a new interval, and logs how many lines of each place were suppressed in the previous one.
    pub(super) fn tell(&self) {
        let counts = mem::take(&mut *lock(&self.counts));
        for Count { of, lines } in counts.into_values() {
            let left_out = lines.saturating_sub(LINES);
            if left_out > 0 {
                metrics::counter!("doorward_log_lines_left_out_total").increment(left_out);
                tracing::warn!(
                    left_out,
                    level = %of.level(),
                    target = of.target(),
                    place = of.file().map(|file| format!("{file}:{}", of.line().unwrap_or(0))),
                    "Lines of one kind were left out."
                );
            }
        }
    }
}

impl<S: Subscriber> Filter<S> for Ceiling {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        // Lines of a more verbose level are not limited: an operator who enables it wants to see all of them.
        *event.metadata().level() > Level::INFO
            || event.metadata().target() == AUDIT
            || self.admits(event.metadata())
    }
}

/// Log target of audit records. Lines with this target are not limited.
const AUDIT: &str = "doorward::audit";

/// Maximum number of lines that one place in the code may log in one [`WINDOW`].
const LINES: u64 = 100;

/// Length of the interval in which the lines of a place are counted.
pub(super) const WINDOW: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use doorward_testkit::Log;
    use tracing_subscriber::{Layer as _, layer::SubscriberExt as _};

    use super::*;

    #[test]
    fn one_place_fills_no_disk_and_another_one_is_still_heard() {
        let (ceiling, log) = (Ceiling::default(), Log::default());
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(log.clone())
            .with_filter(ceiling.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            for _ in 0..2 {
                for number in 0..5_000 {
                    tracing::info!(number, "Refused.");
                }
                tracing::warn!("Something else.");
                for _ in 0..500 {
                    tracing::info!(target: "doorward::audit", "Decided.");
                }
                ceiling.tell();
            }
        });

        let text = log.lines().join("\n");
        assert_eq!(text.matches("Refused.").count(), 200);
        assert_eq!(text.matches("Something else.").count(), 2);
        assert_eq!(text.matches("Decided.").count(), 1_000);
        assert_eq!(text.matches("left_out=4900").count(), 2, "{text}");
    }
}
