//! Logs an outage once when it begins, with its cause, and once when it is over.
//!
//! Metrics and audit records tell what happens to each client meanwhile. A line of the log for each of them would
//! hide the one that matters.

use std::{
    error::Error,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use doorward_core::Causes;

use crate::runtime::metrics::Outages;

/// Logs that a dependency does not answer, and that it answers again: one line each, however many questions fail.
///
/// The metric `doorward_away` is 1 meanwhile, and `doorward_unanswered_total` counts the questions; `what` is the
/// label of both.
///
/// # Examples
/// ```
/// use std::time::{Duration, Instant};
/// use doorward::Outage;
///
/// async fn ask(mailer: &Outage, now: Instant, answer: std::io::Result<()>) {
///     match answer {
///         Ok(()) => mailer.answered(now),
///         Err(error) => mailer.failed(now, &error),
///     }
/// }
/// let mailer = Outage::new("mailer", Duration::from_secs(5));
/// assert!(!mailer.is_away());
/// # drop(ask);
/// ```
#[derive(Debug)]
pub struct Outage {
    what: &'static str,
    /// Time without a failure after which an answer ends the outage.
    quiet: Duration,
    metrics: Outages,
    /// Protects the state; held for one comparison.
    away: Mutex<Option<Away>>,
}

/// An outage that goes on.
#[derive(Debug)]
struct Away {
    since: Instant,
    last: Instant,
    failures: u64,
}

impl Outage {
    /// Watches something. An answer counts as the end of an outage when no question has failed for `quiet`.
    #[must_use]
    pub fn new(what: &'static str, quiet: Duration) -> Self {
        Self { what, quiet, metrics: Outages::new(what), away: Mutex::default() }
    }

    /// Notes that a question got no answer.
    pub fn failed(&self, now: Instant, cause: &(dyn Error + 'static)) {
        self.metrics.failed();
        let mut away = self.lock();
        if let Some(away) = &mut *away {
            (away.last, away.failures) = (now, away.failures + 1);
            tracing::debug!(what = self.what, cause = Causes(cause).to_string(), "Unavailable.");
            return;
        }
        *away = Some(Away { since: now, last: now, failures: 1 });
        drop(away);
        self.metrics.away(true);
        tracing::error!(what = self.what, cause = Causes(cause).to_string(), "Unavailable.");
    }

    /// Notes that a question was answered.
    pub fn answered(&self, now: Instant) {
        let is_over = |away: &mut Away| now.saturating_duration_since(away.last) >= self.quiet;
        let Some(over) = self.lock().take_if(is_over) else { return };
        self.metrics.away(false);
        let seconds = now.saturating_duration_since(over.since).as_secs_f64();
        tracing::info!(what = self.what, seconds, failures = over.failures, "Available again.");
    }

    /// Whether an outage goes on.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.lock().is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Away>> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question has no answer in time.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("no answer in time")]
pub(crate) struct NoAnswer;

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    const QUIET: Duration = Duration::from_secs(5);

    #[test]
    fn an_answer_ends_an_outage_when_nothing_has_failed_for_a_while() {
        let start = doorward_core::Clock::now(&doorward_core::ManualClock::new());
        let outage = Outage::new("store", QUIET);
        let cause = io::Error::from(io::ErrorKind::ConnectionRefused);

        outage.failed(start, &cause);
        outage.answered(start + Duration::from_secs(4));
        assert!(outage.is_away());
        outage.failed(start + Duration::from_secs(4), &cause);
        outage.answered(start + Duration::from_secs(8));
        assert!(outage.is_away());
        outage.answered(start + Duration::from_secs(9));

        assert!(!outage.is_away());
    }
}
