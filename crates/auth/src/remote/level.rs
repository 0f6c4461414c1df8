//! Shows a number in a metric that several values share.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use metrics::Gauge;

/// Contribution of one value to a gauge. It is taken back when the value is dropped, so a removed
/// issuer leaves nothing behind, and its successor with the same URL is not disturbed.
pub(crate) struct Level {
    gauge: Gauge,
    /// Protects the contribution; held for one change of the gauge.
    shown: Mutex<f64>,
}

impl Level {
    pub(crate) fn new(gauge: Gauge) -> Self {
        gauge.increment(0.0);
        Self { gauge, shown: Mutex::new(0.0) }
    }

    pub(crate) fn set(&self, value: f64) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        self.gauge.increment(value - *shown);
        *shown = value;
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        self.set(0.0);
    }
}

impl fmt::Debug for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Level").finish_non_exhaustive()
    }
}
