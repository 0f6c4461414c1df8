//! Metrics and log lines about the health of an introspection endpoint.

use std::sync::{Mutex, PoisonError};

use doorward_core::Causes;
use metrics::{Counter, counter, gauge};

use crate::{
    introspection::{answer::Answer, error::IntrospectionError},
    remote::level::Level,
};

/// Health of one endpoint. It counts as unavailable after [`FAILURES`] failures in a row that are
/// hardly those of a single token, until it answers again. Each change is logged once.
pub(super) struct Health {
    active: Counter,
    inactive: Counter,
    failed: Counter,
    away: Level,
    /// Number of failures since the last answer. The lock is held for one comparison.
    failures: Mutex<u32>,
}

impl Health {
    /// The label is a setting, so the number of its values is bounded.
    pub(super) fn new(url: &str) -> Self {
        let count = |outcome: &'static str| counter!("doorward_introspections_total", "url" => url.to_owned(), "outcome" => outcome);
        Self {
            active: count("active"),
            inactive: count("inactive"),
            failed: count("failed"),
            away: Level::new(gauge!("doorward_introspection_away", "url" => url.to_owned())),
            failures: Mutex::default(),
        }
    }

    /// Records an answer of the endpoint at `url`.
    pub(super) fn answered(&self, answer: &Answer, url: &str) {
        match answer {
            Answer::Active(_) => self.active.increment(1),
            Answer::Inactive => self.inactive.increment(1),
        }
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut *failures) >= FAILURES {
            self.away.set(0.0);
            drop(failures);
            tracing::info!(%url, "An introspection endpoint answers again.");
        }
    }

    /// Records a request without an answer.
    pub(super) fn failed(&self, error: &IntrospectionError, is_of_endpoint: bool) {
        self.failed.increment(1);
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        *failures = failures.saturating_add(u32::from(is_of_endpoint));
        let has_begun = is_of_endpoint && *failures == FAILURES;
        if has_begun {
            self.away.set(1.0);
        }
        drop(failures);
        let cause = Causes(error).to_string();
        if has_begun {
            tracing::error!(cause, "An introspection endpoint does not answer.");
        } else {
            tracing::debug!(cause, "An introspection request failed.");
        }
    }
}

/// Number of failures in a row after which an endpoint counts as unavailable.
const FAILURES: u32 = 5;
