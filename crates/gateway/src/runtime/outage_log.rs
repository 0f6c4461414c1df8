//! Logs an outage once when it begins, with its cause, and once when it ends.
//!
//! Metrics and audit records show the effect on each client meanwhile. With one log line for each
//! client, the line with the cause would be hard to find.

use std::{
    error::Error,
    sync::Mutex,
    time::{Duration, Instant},
};

use doorward_core::{Causes, lock};

use crate::runtime::metrics::Outages;

/// Logs one line when a dependency stops answering and one line when it answers again, regardless
/// of the number of requests that fail. Further failures are logged at level `debug`.
///
/// During an outage the metric `doorward_away` is 1, and `doorward_unanswered_total` counts the
/// failed requests. Both have the label `what`.
///
/// # Examples
/// ```
/// use std::time::{Duration, Instant};
/// use doorward::server::Outage;
///
/// async fn ask(mailer: &Outage, now: Instant, answer: std::io::Result<()>) {
///     match answer {
///         Ok(()) => mailer.answered(now),
///         Err(error) => mailer.failed(now, &error),
///     }
/// }
/// let mailer = Outage::new("mailer", Duration::from_secs(5));
/// assert!(!mailer.is_away());
/// ```
#[derive(Debug)]
pub struct Outage {
    what: &'static str,
    /// Time without a failure after which a successful request ends the outage.
    quiet: Duration,
    metrics: Outages,
    /// Protects the state; held for one comparison.
    away: Mutex<Option<Away>>,
}

/// Outage that has not ended.
///
/// [`Doorward::outages`](crate::Doorward::outages) returns it.
///
/// # Examples
/// ```
/// fn line(outage: &doorward::server::CurrentOutage) -> String {
///     format!("{} has not answered for {} s", outage.what, outage.lasts.as_secs())
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CurrentOutage {
    /// Name of the dependency, as in the metric `doorward_away`.
    pub what: &'static str,
    /// Time since the first request that was not answered.
    pub lasts: Duration,
}

/// The current outage.
#[derive(Debug)]
struct Away {
    /// Time of the first failed request.
    since: Instant,
    /// Time of the latest failed request.
    last: Instant,
    /// `true` if a request has succeeded since.
    is_answered: bool,
    /// Number of failed requests.
    failures: u64,
}

impl Outage {
    /// Creates the log of a dependency. Log lines and metrics call the dependency `what`. A
    /// successful request ends an outage if no request has failed for the time `quiet`.
    #[must_use]
    pub fn new(what: &'static str, quiet: Duration) -> Self {
        Self { what, quiet, metrics: Outages::new(what), away: Mutex::default() }
    }

    /// Records a failed or unanswered request.
    pub fn failed(&self, now: Instant, cause: &(dyn Error + 'static)) {
        self.metrics.failed();
        let mut away = lock(&self.away);
        if let Some(away) = &mut *away {
            (away.last, away.is_answered, away.failures) = (now, false, away.failures + 1);
            tracing::debug!(what = self.what, cause = Causes(cause).to_string(), "Unavailable.");
            return;
        }
        *away = Some(Away { since: now, last: now, is_answered: false, failures: 1 });
        drop(away);
        self.metrics.away(true);
        tracing::error!(what = self.what, cause = Causes(cause).to_string(), "Unavailable.");
    }

    /// Records a successful request.
    pub fn answered(&self, now: Instant) {
        if let Some(away) = &mut *lock(&self.away) {
            away.is_answered = true;
        }
        self.settle(now);
    }

    /// Ends an outage if a request has succeeded since the last failure, and none has failed for the time `quiet`. Call
    /// it now and then if requests may be rare.
    pub(crate) fn settle(&self, now: Instant) {
        let is_over = |away: &mut Away| {
            away.is_answered && now.saturating_duration_since(away.last) >= self.quiet
        };
        let Some(over) = lock(&self.away).take_if(is_over) else { return };
        self.metrics.away(false);
        let seconds = now.saturating_duration_since(over.since).as_secs_f64();
        tracing::info!(what = self.what, seconds, failures = over.failures, "Available again.");
    }

    /// Returns `true` during an outage.
    #[must_use]
    pub fn is_away(&self) -> bool {
        lock(&self.away).is_some()
    }

    /// Returns the outage if there is one now.
    pub(crate) fn current(&self, now: Instant) -> Option<CurrentOutage> {
        let since = lock(&self.away).as_ref()?.since;
        Some(CurrentOutage { what: self.what, lasts: now.saturating_duration_since(since) })
    }
}

/// Error for a request that was not answered in time.
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

    /// After the clients of an outage are back, none may connect for hours.
    #[test]
    fn an_outage_ends_without_another_request_if_the_last_one_was_answered() {
        let start = doorward_core::Clock::now(&doorward_core::ManualClock::new());
        let outage = Outage::new("admission", QUIET);
        let cause = io::Error::from(io::ErrorKind::ConnectionRefused);

        outage.failed(start, &cause);
        outage.settle(start + QUIET);
        assert!(outage.is_away(), "nothing was answered");
        outage.answered(start + Duration::from_secs(1));
        outage.settle(start + Duration::from_secs(4));
        assert!(outage.is_away());
        outage.settle(start + QUIET);

        assert!(!outage.is_away());
    }

    #[test]
    fn an_outage_lasts_from_its_first_failure_on() {
        let start = doorward_core::Clock::now(&doorward_core::ManualClock::new());
        let outage = Outage::new("store", QUIET);
        let cause = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(outage.current(start), None);

        outage.failed(start, &cause);
        outage.failed(start + Duration::from_secs(4), &cause);

        let lasts = Duration::from_secs(6);
        let current = outage.current(start + lasts);
        assert_eq!(current, Some(CurrentOutage { what: "store", lasts }));
    }
}
