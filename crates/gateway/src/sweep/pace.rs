//! Decides how many questions a store gets at a time.
//!
//! A store that is far away answers many at once as fast as one: then twice as many are asked, until all
//! fit into the time. A store that works off one after the other answers more of them later: then it is
//! asked fewer, so that clients who come in do not wait behind the sweep.

use std::time::Duration;

/// How many questions may be open.
pub(super) struct Pace {
    window: usize,
    least: usize,
    most: usize,
    /// How many answers of this window have come, and how long they took together.
    answers: u32,
    took: Duration,
    /// The shortest time that the answers of a window took, one by the other.
    best: Option<Duration>,
}

impl Pace {
    pub(super) fn new(least: usize, most: usize) -> Self {
        Self { window: least, least, most, answers: 0, took: Duration::ZERO, best: None }
    }

    pub(super) fn window(&self) -> usize {
        self.window
    }

    /// An answer has taken so long; so many are left for so much time.
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

    /// Asks everything of a store that takes `took` for an answer when so many are open.
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
    fn a_store_that_is_far_away_is_asked_as_much_as_the_time_needs_and_no_more_than_the_bound() {
        let far = |_| Duration::from_millis(200);

        assert_eq!(windows(1_000, FIVE, far), [64]);
        assert_eq!(windows(3_400, FIVE, far), [64, 128, 256]);
        assert_eq!(windows(1_000_000, FIVE, far), [64, 128, 256, 512, 1024]);
    }

    /// It works off one after the other: more at a time only wait longer.
    #[test]
    fn a_store_that_is_at_its_limit_is_not_asked_more() {
        let busy = |window: usize| Duration::from_millis(2) * u32::try_from(window).unwrap();

        let windows = windows(10_000, FIVE, busy);

        assert!(windows.iter().all(|window| *window <= 128), "{windows:?}");
    }
}
