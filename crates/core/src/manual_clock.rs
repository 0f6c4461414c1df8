//! A clock that moves only when a test moves it, for the tests of this project and of applications.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::{Duration, Instant, SystemTime},
};

use crate::{BoxFuture, Clock, lock};

/// Clock that moves only when a test moves it. Clones share the same time.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use doorward_core::{Clock, ManualClock};
///
/// let clock = ManualClock::new();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(5));
/// assert_eq!(clock.now() - before, Duration::from_secs(5));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock {
    start: Instant,
    /// Protects the time and the wakers of pending waits.
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    elapsed: Duration,
    wall: SystemTime,
    /// Wakers of pending waits, by deadline and number. They are not found by task, because a task
    /// may have several waits.
    sleepers: BTreeMap<(Instant, u64), Waker>,
    /// Number of the latest wait. With its number, a wait is distinct from others with the same
    /// deadline.
    next: u64,
}

/// Future of one call of [`Clock::sleep_until`].
struct Wait {
    clock: ManualClock,
    key: (Instant, u64),
}

impl ManualClock {
    /// Creates a clock whose wall time is 2026-01-01T00:00:00Z. Its monotonic time is an arbitrary
    /// instant.
    #[must_use]
    pub fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "an instant can be had in no other way")]
        let start = Instant::now();
        let state = State {
            elapsed: Duration::ZERO,
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600),
            sleepers: BTreeMap::new(),
            next: 0,
        };
        Self { start, state: Arc::new(Mutex::new(state)) }
    }

    /// Advances monotonic time and wall time, and wakes the waits whose deadline is reached.
    pub fn advance(&self, by: Duration) {
        let mut state = lock(&self.state);
        state.elapsed += by;
        state.wall += by;
        let now = self.start + state.elapsed;
        let later = state.sleepers.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut state.sleepers, later);
        // Waking may run code that reads this clock, so the lock is released first.
        drop(state);
        for waker in due.into_values() {
            waker.wake();
        }
    }

    /// Sets the wall time, as an operator or NTP would. Monotonic time does not change.
    pub fn set_wall(&self, wall: SystemTime) {
        lock(&self.state).wall = wall;
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> SystemTime {
        lock(&self.state).wall
    }

    fn now(&self) -> Instant {
        self.start + lock(&self.state).elapsed
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        let mut state = lock(&self.state);
        state.next += 1;
        let key = (deadline, state.next);
        drop(state);
        Box::pin(Wait { clock: self.clone(), key })
    }
}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = lock(&self.clock.state);
        if self.clock.start + state.elapsed >= self.key.0 {
            return Poll::Ready(());
        }
        // A task may be polled with another waker than before, and only the latest waker counts.
        // The replaced waker is dropped after the lock is released, for the reason given in `drop`.
        let before = state.sleepers.insert(self.key, cx.waker().clone());
        drop(state);
        drop(before);
        Poll::Pending
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        // Dropping a waker may drop a task, and that task may hold a wait that takes this lock. The
        // waker is therefore dropped after the lock is released.
        let waker = lock(&self.clock.state).sleepers.remove(&self.key);
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::atomic::{AtomicUsize, Ordering},
        task::Wake,
    };

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_task_that_waits_for_two_moments_is_woken_at_each() {
        let (clock, woken) = (ManualClock::new(), Arc::new(Woken::default()));
        let (waker, start) = (Waker::from(Arc::clone(&woken)), clock.now());
        let mut cx = Context::from_waker(&waker);
        let mut first = pin!(clock.sleep_until(start + Duration::from_secs(1)));
        let mut second = pin!(clock.sleep_until(start + Duration::from_secs(2)));
        assert!(first.as_mut().poll(&mut cx).is_pending());
        assert!(second.as_mut().poll(&mut cx).is_pending());

        clock.advance(Duration::from_secs(1));
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
        assert!(first.as_mut().poll(&mut cx).is_ready());
        clock.advance(Duration::from_secs(1));

        assert_eq!(woken.0.load(Ordering::SeqCst), 2);
        assert!(second.as_mut().poll(&mut cx).is_ready());
    }

    #[test]
    fn every_task_that_waits_for_the_same_moment_is_woken() {
        let clock = ManualClock::new();
        let tasks = [(); 3].map(|()| Arc::new(Woken::default()));
        let moment = clock.now() + Duration::from_secs(1);
        let mut waits: Vec<_> = tasks.iter().map(|_| clock.sleep_until(moment)).collect();
        for (task, wait) in tasks.iter().zip(&mut waits) {
            let waker = Waker::from(Arc::clone(task));
            assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }

        clock.advance(Duration::from_secs(1));

        assert_eq!(tasks.map(|task| task.0.load(Ordering::SeqCst)), [1, 1, 1]);
    }

    #[test]
    fn a_dropped_wait_leaves_no_waker() {
        let (clock, waker) = (ManualClock::new(), Waker::from(Arc::new(Woken::default())));
        let mut wait = clock.sleep_until(clock.now() + Duration::from_secs(1));
        assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());

        drop(wait);

        assert!(lock(&clock.state).sleepers.is_empty());
    }
}
