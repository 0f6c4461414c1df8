//! Adapts the number of concurrent lookups to the store.
//!
//! The window is the number of lookups that may run concurrently. If the store has a long round
//! trip, it answers many lookups as fast as one, and the window doubles until all lookups fit into
//! the time. If the store processes lookups one after the other, each answer takes longer when more
//! lookups run concurrently. The window then halves, so that admissions do not have to wait for the
//! lookups of the sweep.

use std::time::Duration;

/// Number of lookups that may run concurrently, which is the window, and the measurements that
/// adapt it.
pub(super) struct Pace {
    window: usize,
    least: usize,
    most: usize,
    /// Number of answers in this window so far.
    answers: u32,
    /// Sum of the response times of these answers.
    took: Duration,
    /// Shortest mean response time of a window so far.
    best: Option<Duration>,
}

impl Pace {
    pub(super) fn new(least: usize, most: usize) -> Self {
        Self { window: least, least, most, answers: 0, took: Duration::ZERO, best: None }
    }

    pub(super) fn window(&self) -> usize {
        self.window
    }

    /// Records that an answer took `took`. After each full window of answers, adapts the window so
    /// that the `left` remaining lookups fit into `time`.
    pub(super) fn answered(&mut self, took: Duration, left: usize, time: Duration) {
        self.answers += 1;
        self.took += took;
        if (self.answers as usize) < self.window {
            return;
        }
        let mean = self.took / self.answers;
        (self.answers, self.took) = (0, Duration::ZERO);
        let best = self.best.map_or(mean, |best| best.min(mean));
        self.best = Some(best);
        let needed =
            mean.saturating_mul(u32::try_from(left.div_ceil(self.window)).unwrap_or(u32::MAX));
        // If the store is much slower than its best, it queues lookups, and more of them would only
        // wait longer.
        if mean > best + best / 2 {
            self.window = (self.window / 2).max(self.least);
        } else if needed > time {
            self.window = (self.window * 2).min(self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Simulates `count` lookups, and returns the windows. A lookup takes `took(n)` while `n`
    /// lookups run concurrently.
    fn windows(count: usize, time: Duration, took: impl Fn(usize) -> Duration) -> Vec<usize> {
        let mut pace = Pace::new(64, 1024);
        let (mut left, mut passed, mut seen) = (count, Duration::ZERO, vec![64]);
        while left > 0 {
            let window = pace.window();
            let took = took(window);
            passed += took;
            for _ in 0..window.min(left) {
                left -= 1;
                pace.answered(took, left, time.saturating_sub(passed));
            }
            if pace.window() != window {
                seen.push(pace.window());
            }
        }
        seen
    }

    const FIVE: Duration = Duration::from_secs(5);

    #[test]
    fn a_store_with_a_long_round_trip_is_asked_as_much_as_the_time_needs_up_to_the_bound() {
        let far = |_| Duration::from_millis(200);

        assert_eq!(windows(1_000, FIVE, far), [64]);
        assert_eq!(windows(3_400, FIVE, far), [64, 128, 256]);
        assert_eq!(windows(1_000_000, FIVE, far), [64, 128, 256, 512, 1024]);
    }

    /// The simulated store answers one lookup after the other.
    #[test]
    fn a_store_at_its_limit_is_not_asked_more_questions() {
        let busy = |window: usize| Duration::from_millis(2) * u32::try_from(window).unwrap();

        let windows = windows(10_000, FIVE, busy);

        assert!(windows.iter().all(|window| *window <= 128), "{windows:?}");
    }
}
