//! One coarse timer for all links.
//!
//! A link has a dozen deadlines. It is woken at the earliest of them, and then checks all of them.
//! Deadlines are rounded up to a tick, so that thousands of links share a wake-up. If a deadline
//! moves to a later time, its entry stays where it is, because an early wake-up is harmless. So
//! most events change nothing here. Start reading at [`Timer::arm`].

use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::{Arc, Mutex, Weak},
    task::{Poll, Waker},
    time::{Duration, Instant},
};

use atomic_waker::AtomicWaker;
use doorward_core::{Clock, lock};

/// All pending wake-ups of a server.
// One driver task sleeps until the earliest entry is due and wakes everything that is due then. A
// `tokio::time::Sleep` for each link would be worse: time has to come from `Clock`, so that tests
// move it by hand, and nearly every event moves a deadline, which would reset such a timer.
//
// How the driver and the links work together:
// - The first insertion spawns the driver, because before that there may be no runtime. `driving`
//   is set under the lock, so that there is one driver.
// - The driver registers its waker before it compares its deadline with the queue. So either this
//   comparison sees an earlier entry, or the insertion of that entry wakes the driver.
// - Wakers are called without the lock: a task that is woken may arm or drop its timer at once.
// - The driver holds no strong reference while it sleeps. Dropping the timers wakes the driver,
//   which then ends.
pub(crate) struct Timers {
    clock: Arc<dyn Clock>,
    /// Time of tick 0.
    epoch: Instant,
    /// Protects the queue; held for one map operation, never while waking.
    queue: Mutex<Queue>,
    /// Wakes the driver when a deadline is inserted that is earlier than all others.
    driver: AtomicWaker,
}

#[derive(Default)]
struct Queue {
    /// Wakers by their tick and by the number of the entry.
    entries: BTreeMap<(u64, u64), Waker>,
    next_id: u64,
    /// `true` once the driver task was spawned.
    driving: bool,
}

/// The timer of one link. Dropping it cancels the wake-up.
pub(crate) struct Timer {
    timers: Arc<Timers>,
    /// Entry in the queue. `None` before the first call of [`arm`](Self::arm).
    key: Option<(u64, u64)>,
}

impl Timers {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        let epoch = clock.now();
        Arc::new(Self { clock, epoch, queue: Mutex::default(), driver: AtomicWaker::new() })
    }

    /// Returns the first tick that is not before `instant`.
    fn tick(&self, instant: Instant) -> u64 {
        let since = instant.saturating_duration_since(self.epoch);
        u64::try_from(since.as_nanos().div_ceil(TICK.as_nanos())).unwrap_or(u64::MAX)
    }

    fn instant(&self, tick: u64) -> Instant {
        self.epoch + Duration::from_millis(tick.saturating_mul(TICK_MILLIS))
    }

    fn insert(self: &Arc<Self>, tick: u64, waker: Waker) -> (u64, u64) {
        let mut queue = lock(&self.queue);
        let key = (tick, queue.next_id);
        queue.next_id += 1;
        let earliest = queue.entries.first_key_value().is_none_or(|(&first, _)| key < first);
        queue.entries.insert(key, waker);
        let start = !std::mem::replace(&mut queue.driving, true);
        drop(queue);
        if start {
            tokio::spawn(drive(Arc::downgrade(self)));
        } else if earliest {
            self.driver.wake();
        }
        key
    }

    fn remove(&self, key: (u64, u64)) {
        lock(&self.queue).entries.remove(&key);
    }

    /// Wakes all tasks that are due, and returns the time at which the next entry is due.
    fn fire(&self) -> Option<Instant> {
        let now = self.clock.now();
        loop {
            let mut queue = lock(&self.queue);
            let entry = queue.entries.first_entry()?;
            let due = self.instant(entry.key().0);
            if due > now {
                return Some(due);
            }
            let waker = entry.remove();
            drop(queue);
            waker.wake();
        }
    }
}

/// Runs the driver, which wakes all tasks that are due, until the timers are dropped.
async fn drive(timers: Weak<Timers>) {
    loop {
        let Some(strong) = timers.upgrade() else { return };
        let until = strong.fire();
        let mut sleep = until.map(|at| strong.clock.sleep_until(at));
        drop(strong);
        let mut was_polled = false;
        // Completes when the sleep does, or when an earlier deadline is inserted.
        let turn = poll_fn(|cx| {
            let Some(timers) = timers.upgrade() else { return Poll::Ready(()) };
            // A second poll is a wake-up: the sleep has ended, or an earlier entry was inserted.
            if std::mem::replace(&mut was_polled, true) {
                return Poll::Ready(());
            }
            timers.driver.register(cx.waker());
            // An entry that was inserted after `fire` and before the registration is seen here.
            let first =
                lock(&timers.queue).entries.first_key_value().map(|(key, _)| timers.instant(key.0));
            if first.is_some_and(|first| until.is_none_or(|until| first < until)) {
                return Poll::Ready(());
            }
            sleep.as_mut().map_or(Poll::Pending, |sleep| sleep.as_mut().poll(cx))
        });
        turn.await;
    }
}

impl Drop for Timers {
    fn drop(&mut self) {
        self.driver.wake();
    }
}

impl Timer {
    pub(crate) fn new(timers: Arc<Timers>) -> Self {
        Self { timers, key: None }
    }

    /// Wakes `waker` at the first tick that is not before `deadline`, or earlier.
    ///
    /// Every call must pass the waker of the same task, because a call may keep an earlier entry.
    pub(crate) fn arm(&mut self, deadline: Instant, now: Instant, waker: &Waker) {
        let tick = self.timers.tick(deadline);
        if let Some(key) = self.key {
            let pending = self.timers.instant(key.0) > now;
            if pending && key.0 <= tick {
                return;
            }
            self.timers.remove(key);
        }
        self.key = Some(self.timers.insert(tick, waker.clone()));
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.timers.remove(key);
        }
    }
}

/// Length of a tick, which is the maximum delay of a wake-up. Documented times are exact to the
/// second.
const TICK: Duration = Duration::from_millis(TICK_MILLIS);
const TICK_MILLIS: u64 = 20;
