//! Adapts the number of concurrent lookups to the store.
//!
//! A store with a long round trip answers many lookups as fast as one: the window doubles until all
//! of them fit into the time. A store that works through a queue takes longer for each answer if
//! more lookups run concurrently: the window halves, so that admissions do not queue after the
//! sweep.

use std::time::Duration;

/// Window of concurrent lookups.
pub(super) struct Pace {
    window: usize,
    least: usize,
    most: usize,
    /// Number of answers in this window so far.
    answers: u32,
    /// Sum of the times of these answers.
    took: Duration,
    /// Shortest mean time of the answers in a window.
    best: Option<Duration>,
}

impl Pace {
    pub(super) fn new(least: usize, most: usize) -> Self {
        Self { window: least, least, most, answers: 0, took: Duration::ZERO, best: None }
    }

    pub(super) fn window(&self) -> usize {
        self.window
    }

    /// Records the time of an answer. The `left` remaining lookups have to fit into `time`.
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
        // Much slower than its best: the store queues, and more lookups would only wait longer.
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

    /// Simulates `count` lookups; each takes `took(n)` while `n` of them run concurrently.
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

    /// It answers one question after the other, so that more at a time only wait longer.
    #[test]
    fn a_store_at_its_limit_is_not_asked_more_questions() {
        let busy = |window: usize| Duration::from_millis(2) * u32::try_from(window).unwrap();

        let windows = windows(10_000, FIVE, busy);

        assert!(windows.iter().all(|window| *window <= 128), "{windows:?}");
    }
}
