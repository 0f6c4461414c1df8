//! Histogram of latencies in microseconds.

use std::time::Duration;

/// Number of operations for each microsecond of latency. Latencies of more than a second count as one second.
pub(crate) struct Latencies {
    counts: Vec<u64>,
    total: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { counts: vec![0; LONGEST + 1], total: 0 }
    }
}

impl Latencies {
    pub(crate) fn add(&mut self, latency: Duration) {
        let micros = usize::try_from(latency.as_micros()).unwrap_or(LONGEST).min(LONGEST);
        self.counts[micros] += 1;
        self.total += 1;
    }

    /// Returns the latency in microseconds that `percent` of all operations did not exceed.
    pub(crate) fn percentile(&self, percent: u64) -> f64 {
        let wanted = (self.total * percent).div_ceil(100);
        let mut seen = 0;
        for (micros, count) in (0_u32..).zip(&self.counts) {
            seen += count;
            if seen >= wanted {
                return micros.into();
            }
        }
        0.0
    }
}

const LONGEST: usize = 1_000_000;
