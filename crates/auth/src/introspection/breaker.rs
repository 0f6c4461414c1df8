//! Stops the requests to an endpoint that fails, and tries again after a while.

use std::time::{Duration, SystemTime};

use crate::remote::since::since;

/// Circuit breaker. After [`FAILURES`] failures in a row, no request is permitted for [`PAUSE`]. Then
/// one request is a trial, and its outcome decides.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    failed_at: Option<SystemTime>,
    /// `true` while the trial after a pause runs.
    is_trying: bool,
}

/// Permission to send one request. Its outcome must be passed to [`Breaker::succeeded`],
/// [`Breaker::failed`] or [`Breaker::gave_up`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permit {
    Normal,
    Trial,
}

impl Breaker {
    /// Returns `None` if no request may be sent now.
    pub(super) fn permit(&mut self, now: SystemTime) -> Option<Permit> {
        if self.failures < FAILURES {
            return Some(Permit::Normal);
        }
        let is_over = self.failed_at.is_none_or(|at| since(at, now) >= PAUSE);
        if !is_over || self.is_trying {
            return None;
        }
        self.is_trying = true;
        Some(Permit::Trial)
    }

    /// Records a success. Also that of a request from before the failures shows that the endpoint
    /// answers.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// Records a request whose outcome says nothing about others. Another trial may follow.
    pub(super) fn gave_up(&mut self, permit: Permit) {
        if permit == Permit::Trial {
            self.is_trying = false;
        }
    }

    pub(super) fn failed(&mut self, permit: Permit, now: SystemTime) {
        self.failures = self.failures.saturating_add(1);
        self.failed_at = Some(now);
        self.gave_up(permit);
    }
}

/// Number of failures in a row after which no requests are sent.
const FAILURES: u32 = 5;

/// Time for which no requests are sent.
const PAUSE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// Returns a breaker after [`FAILURES`] failures.
    fn open() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..FAILURES {
            let permit = breaker.permit(at(100)).unwrap();
            breaker.failed(permit, at(100));
        }
        breaker
    }

    #[test]
    fn after_five_failures_one_request_is_permitted_every_five_seconds() {
        let mut breaker = open();

        assert_eq!(breaker.permit(at(104)), None);
        assert_eq!(breaker.permit(at(105)), Some(Permit::Trial));
        // There is one trial at a time.
        assert_eq!(breaker.permit(at(106)), None);
        breaker.failed(Permit::Trial, at(106));
        assert_eq!(breaker.permit(at(110)), None);
        assert_eq!(breaker.permit(at(111)), Some(Permit::Trial));
        breaker.succeeded();
        assert_eq!(breaker.permit(at(111)), Some(Permit::Normal));
        assert_eq!(breaker.permit(at(111)), Some(Permit::Normal));
    }

    #[test]
    fn a_trial_without_an_outcome_is_followed_by_another_one() {
        let mut breaker = open();
        assert_eq!(breaker.permit(at(105)), Some(Permit::Trial));

        breaker.gave_up(Permit::Trial);

        assert_eq!(breaker.permit(at(105)), Some(Permit::Trial));
    }

    /// A request may have been sent before the circuit breaker opened.
    #[test]
    fn the_end_of_an_earlier_request_permits_no_second_trial() {
        let mut breaker = open();
        assert_eq!(breaker.permit(at(105)), Some(Permit::Trial));

        breaker.gave_up(Permit::Normal);
        assert_eq!(breaker.permit(at(105)), None);
        breaker.failed(Permit::Normal, at(105));
        assert_eq!(breaker.permit(at(120)), None);
    }

    #[test]
    fn a_success_forgets_earlier_failures() {
        let mut breaker = Breaker::default();
        for _ in 0..10 {
            for _ in 1..FAILURES {
                breaker.failed(Permit::Normal, at(1));
            }
            breaker.succeeded();
        }

        assert_eq!(breaker.permit(at(1)), Some(Permit::Normal));
    }
}
