//! Measures the time from the sending of an event to its arrival.
//!
//! All bots run in one process, so one clock measures both ends.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::Mutex,
    time::{Duration, Instant},
};

use crate::lock::lock;

/// Times from the sending of an event to its arrival at each client. `K` identifies the event.
pub(super) struct Latency<K> {
    /// Times of sending and arrival. The lock is held for one update.
    inner: Mutex<Inner<K>>,
}

struct Inner<K> {
    sent: HashMap<K, Instant>,
    /// Histogram of arrivals, in buckets of [`BUCKET`].
    arrivals: Vec<u32>,
}

/// Summary of the measurements.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) arrivals: u64,
    p50: Duration,
    p99: Duration,
    max: Duration,
}

impl<K> Default for Latency<K> {
    fn default() -> Self {
        Self { inner: Mutex::new(Inner { sent: HashMap::new(), arrivals: vec![0; BUCKETS] }) }
    }
}

impl<K: Eq + Hash> Latency<K> {
    pub(super) fn sent(&self, what: K, now: Instant) {
        lock(&self.inner).sent.insert(what, now);
    }

    /// Records an arrival at one client. Arrivals of unknown keys are ignored.
    pub(super) fn arrived(&self, what: &K, now: Instant) {
        let mut inner = lock(&self.inner);
        let Some(sent) = inner.sent.get(what) else { return };
        let took = now.saturating_duration_since(*sent).as_micros() / BUCKET.as_micros();
        let bucket = usize::try_from(took).unwrap_or(BUCKETS).min(BUCKETS - 1);
        inner.arrivals[bucket] += 1;
    }

    /// Returns the summary, and resets the measurements.
    pub(super) fn take(&self) -> Summary {
        let mut inner = lock(&self.inner);
        inner.sent.clear();
        let arrivals = std::mem::replace(&mut inner.arrivals, vec![0; BUCKETS]);
        drop(inner);
        Summary::of(&arrivals)
    }
}

impl Summary {
    fn of(buckets: &[u32]) -> Self {
        let arrivals: u64 = buckets.iter().copied().map(u64::from).sum();
        // Returns the time within which this share of the events, in thousandths, has arrived.
        let within = |of_thousand: u64| {
            let wanted = (arrivals * of_thousand).div_ceil(1000);
            let mut seen = 0;
            let bucket = buckets.iter().position(|count| {
                seen += u64::from(*count);
                seen >= wanted
            });
            BUCKET * u32::try_from(bucket.map_or(0, |bucket| bucket + 1)).unwrap_or(u32::MAX)
        };
        if arrivals == 0 {
            return Self::default();
        }
        Self { arrivals, p50: within(500), p99: within(990), max: within(1000) }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { arrivals, p50, p99, max } = self;
        write!(
            f,
            "{arrivals} arrivals, half within {p50:.1?}, 99 of 100 within {p99:.1?}, all within {max:.1?}"
        )
    }
}

/// Width of a bucket of the histogram. Times are rounded up to a multiple of this width.
const BUCKET: Duration = Duration::from_micros(100);

/// Number of buckets, for times up to ten seconds. Longer times are counted in the last bucket.
const BUCKETS: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_are_counted_from_the_sending() {
        let latency = Latency::default();
        let start = doorward::server::Clock::now(&doorward::test::ManualClock::new());
        latency.sent("hit", start);
        for millis in 1..=100 {
            latency.arrived(&"hit", start + Duration::from_micros(millis * 1000 - 50));
        }
        latency.arrived(&"unknown", start);

        let summary = latency.take();

        let millis = Duration::from_millis;
        let expected =
            Summary { arrivals: 100, p50: millis(50), p99: millis(99), max: millis(100) };
        assert_eq!(summary, expected);
        assert_eq!(latency.take().arrivals, 0);
    }
}
