//! Time that moves only by hand: for tests, of this project and of those who build on it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::{Duration, Instant, SystemTime},
};

use crate::{BoxFuture, Clock};

/// A clock that a test moves; clones show the same time.
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
    /// Protects the time and who waits for it.
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    elapsed: Duration,
    wall: SystemTime,
    sleepers: Vec<(Instant, Waker)>,
}

impl ManualClock {
    /// Makes a clock that stands at some monotonic instant and at 2026-01-01T00:00:00Z.
    #[must_use]
    pub fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "an instant can be had in no other way")]
        let start = Instant::now();
        let state = State {
            elapsed: Duration::ZERO,
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600),
            sleepers: Vec::new(),
        };
        Self { start, state: Arc::new(Mutex::new(state)) }
    }

    /// Moves both times forward and wakes whoever has slept long enough.
    pub fn advance(&self, by: Duration) {
        let mut state = self.lock();
        state.elapsed += by;
        state.wall += by;
        let now = self.start + state.elapsed;
        let due = state.sleepers.extract_if(.., |(deadline, _)| *deadline <= now);
        let due: Vec<_> = due.map(|(_, waker)| waker).collect();
        drop(state);
        for waker in due {
            waker.wake();
        }
    }

    /// Sets the time of day alone, as an operator or NTP would.
    pub fn set_wall(&self, wall: SystemTime) {
        self.lock().wall = wall;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> SystemTime {
        self.lock().wall
    }

    fn now(&self) -> Instant {
        self.start + self.lock().elapsed
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        Box::pin(std::future::poll_fn(move |cx| {
            let mut state = clock.lock();
            if clock.start + state.elapsed >= deadline {
                return Poll::Ready(());
            }
            // One entry for each poll: a woken sleeper that was dropped is harmless.
            state.sleepers.retain(|(_, waker)| !waker.will_wake(cx.waker()));
            state.sleepers.push((deadline, cx.waker().clone()));
            Poll::Pending
        }))
    }
}
