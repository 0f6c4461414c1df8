//! Limits how often a warning is logged that any client can cause.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use doorward_core::lock;

/// Time of the last log line of a kind.
#[derive(Debug, Default)]
pub(crate) struct OnceAMinute(Mutex<Option<Instant>>);

impl OnceAMinute {
    /// Returns `true` at most once a minute.
    pub(crate) fn take_turn(&self, now: Instant) -> bool {
        let mut last = lock(&self.0);
        let is_due = last.is_none_or(|last| now.saturating_duration_since(last) >= MINUTE);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}

const MINUTE: Duration = Duration::from_secs(60);
