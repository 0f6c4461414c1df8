//! Stops asking an endpoint that fails, and tries again after a while.

use std::time::{Duration, SystemTime};

use crate::remote::since::since;

/// Circuit breaker. After [`FAILURES`] failures in a row, no question is asked for [`PAUSE`]. Then
/// one question is tried, and its outcome decides.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    failed_at: Option<SystemTime>,
    /// `true` while the one question after a pause is being asked.
    is_trying: bool,
}

impl Breaker {
    /// Returns `true` if a question may be asked now. Its outcome must be passed to
    /// [`succeeded`](Self::succeeded), [`failed`](Self::failed) or [`gave_up`](Self::gave_up).
    pub(super) fn may_ask(&mut self, now: SystemTime) -> bool {
        if self.failures < FAILURES {
            return true;
        }
        let is_over = self.failed_at.is_none_or(|at| since(at, now) >= PAUSE);
        if is_over && !self.is_trying {
            self.is_trying = true;
            return true;
        }
        false
    }

    /// Returns `true` while no questions are asked.
    pub(super) fn is_open(&self) -> bool {
        self.failures >= FAILURES
    }

    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// Records a question whose outcome says nothing about others. Another one may be tried.
    pub(super) fn gave_up(&mut self) {
        self.is_trying = false;
    }

    pub(super) fn failed(&mut self, now: SystemTime) {
        self.failures = self.failures.saturating_add(1);
        self.failed_at = Some(now);
        self.is_trying = false;
    }
}

/// Number of failures in a row after which no questions are asked.
const FAILURES: u32 = 5;

/// Time for which no questions are asked.
const PAUSE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn after_five_failures_one_question_is_asked_every_five_seconds() {
        let mut breaker = Breaker::default();
        for _ in 0..FAILURES {
            assert!(breaker.may_ask(at(100)));
            breaker.failed(at(100));
        }

        assert!(breaker.is_open() && !breaker.may_ask(at(104)));
        assert!(breaker.may_ask(at(105)));
        // Only one question is asked at a time.
        assert!(!breaker.may_ask(at(106)));
        breaker.failed(at(106));
        assert!(!breaker.may_ask(at(110)));
        assert!(breaker.may_ask(at(111)));
        breaker.succeeded();
        assert!(!breaker.is_open() && breaker.may_ask(at(111)) && breaker.may_ask(at(111)));
    }

    #[test]
    fn a_question_without_an_outcome_lets_another_one_be_tried() {
        let mut breaker = Breaker::default();
        for _ in 0..FAILURES {
            breaker.failed(at(100));
        }
        assert!(breaker.may_ask(at(105)));

        breaker.gave_up();

        assert!(breaker.is_open() && breaker.may_ask(at(105)));
    }

    #[test]
    fn a_success_forgets_earlier_failures() {
        let mut breaker = Breaker::default();
        for _ in 0..10 {
            for _ in 1..FAILURES {
                breaker.failed(at(1));
            }
            breaker.succeeded();
        }

        assert!(breaker.may_ask(at(1)) && breaker.may_ask(at(1)));
    }
}
