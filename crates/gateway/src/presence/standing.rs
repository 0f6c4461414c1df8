//! Standing of this node in its cluster: if it may serve authenticated clients now.
//!
//! A node serves clients while it holds the lease of its cluster, and stops before the lease ends,
//! by its own clock. A process may be stopped and continued at any moment. So each link compares the
//! time with the lease itself before it sends a packet or starts an event, and does not wait for
//! another task to tell it.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use doorward_core::{Clock, Incarnation, lock};

/// Standing of this node. A server that is the only node always serves.
pub(crate) struct Standing {
    /// Time that `until` is counted from.
    base: Instant,
    /// Nanoseconds from `base` until the node stops serving.
    until: AtomicU64,
    /// Milliseconds since 1970 until the node stops serving, by the wall clock. The monotonic clock
    /// stands still while a machine sleeps.
    until_wall: AtomicU64,
    /// Number of the membership. A link that was admitted in an earlier one must end.
    term: AtomicU64,
    /// Incarnation of the current membership.
    incarnation: Mutex<Option<Incarnation>>,
}

/// Number of a membership, as a link remembers it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Term(u64);

/// Time at which a term ends, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Until {
    monotonic: Instant,
    wall: SystemTime,
}

impl Until {
    /// Returns the current time.
    pub(crate) fn now(clock: &dyn Clock) -> Self {
        Self { monotonic: clock.now(), wall: clock.wall() }
    }

    /// Returns the same time, moved by `time`.
    pub(crate) fn plus(self, time: Duration) -> Self {
        Self { monotonic: self.monotonic + time, wall: self.wall + time }
    }

    /// Returns the time until then by the clock that is ahead. It is zero when the time has come.
    pub(crate) fn left(self, clock: &dyn Clock) -> Duration {
        let wall = self.wall.duration_since(clock.wall()).unwrap_or_default();
        self.monotonic.saturating_duration_since(clock.now()).min(wall)
    }
}

impl Standing {
    /// Returns the standing of a server that is the only node.
    pub(crate) fn alone(now: Instant) -> Self {
        Self {
            base: now,
            until: AtomicU64::new(ALWAYS),
            until_wall: AtomicU64::new(ALWAYS),
            term: AtomicU64::new(0),
            incarnation: Mutex::new(None),
        }
    }

    /// Returns the standing of a node that has not joined its cluster yet.
    pub(crate) fn outside(now: Instant) -> Self {
        Self { until: AtomicU64::new(0), ..Self::alone(now) }
    }

    /// Returns the current term, or `None` if the node may not serve clients. The clock is read only
    /// on a cluster.
    pub(crate) fn term(&self, clock: &dyn Clock) -> Option<Term> {
        let term = self.term.load(Ordering::Acquire);
        let until = self.until.load(Ordering::Acquire);
        let serves = until == ALWAYS
            || (self.since_base(clock.now()) < until
                && since_1970(clock.wall()) < self.until_wall.load(Ordering::Acquire));
        // If the node has joined again in between, the time is that of the next term.
        let is_same = self.term.load(Ordering::Acquire) == term;
        (serves && is_same).then_some(Term(term))
    }

    /// Returns `true` if the node serves clients, and is still in the given term.
    pub(crate) fn holds(&self, term: Term, clock: &dyn Clock) -> bool {
        self.term(clock) == Some(term)
    }

    /// Begins the next term, which ends at `until` unless it is extended.
    pub(crate) fn begin(&self, incarnation: Incarnation, until: Until) {
        self.end();
        self.term.fetch_add(1, Ordering::AcqRel);
        *lock(&self.incarnation) = Some(incarnation);
        self.extend(incarnation, until);
    }

    /// Extends the term of an incarnation until `until`. Does nothing if that term has ended.
    pub(crate) fn extend(&self, incarnation: Incarnation, until: Until) {
        // The lock is held, so that a term that ends meanwhile is not extended.
        let current = lock(&self.incarnation);
        if *current != Some(incarnation) {
            return;
        }
        self.until_wall.store(since_1970(until.wall), Ordering::Release);
        self.until.store(self.since_base(until.monotonic), Ordering::Release);
    }

    /// Stops serving clients.
    pub(crate) fn end(&self) {
        let mut current = lock(&self.incarnation);
        self.until.store(0, Ordering::Release);
        *current = None;
    }

    /// Returns the time until the current term ends.
    pub(crate) fn left(&self, clock: &dyn Clock) -> Duration {
        let until = self.until.load(Ordering::Acquire);
        let wall = self.until_wall.load(Ordering::Acquire);
        let left = Duration::from_nanos(until.saturating_sub(self.since_base(clock.now())));
        left.min(Duration::from_millis(wall.saturating_sub(since_1970(clock.wall()))))
    }

    /// Returns the incarnation of this node. `None` if it is not a member of a cluster.
    pub(crate) fn incarnation(&self) -> Option<Incarnation> {
        *lock(&self.incarnation)
    }

    fn since_base(&self, time: Instant) -> u64 {
        let nanos = time.saturating_duration_since(self.base).as_nanos();
        // A process that runs for five centuries stops serving.
        u64::try_from(nanos).unwrap_or(ALWAYS - 1).min(ALWAYS - 1)
    }
}

fn since_1970(time: SystemTime) -> u64 {
    let millis = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
    u64::try_from(millis).unwrap_or(ALWAYS - 1)
}

/// Value of `until` for a server that is the only node.
const ALWAYS: u64 = u64::MAX;

#[cfg(test)]
mod tests {
    use doorward_core::ManualClock;

    use super::*;
    use crate::runtime::system::OsEntropy;

    fn seconds(clock: &ManualClock, number: u64) -> Until {
        Until::now(clock).plus(Duration::from_secs(number))
    }

    #[test]
    fn a_term_ends_with_its_lease_and_never_returns() {
        let clock = ManualClock::new();
        let standing = Standing::outside(clock.now());
        assert_eq!(standing.term(&clock), None);

        let incarnation = Incarnation::generate(&OsEntropy);
        standing.begin(incarnation, seconds(&clock, 20));
        let first = standing.term(&clock).unwrap();
        clock.advance(Duration::from_secs(19));
        assert_eq!(standing.left(&clock), Duration::from_secs(1));
        standing.extend(incarnation, seconds(&clock, 5));
        clock.advance(Duration::from_secs(4));
        assert!(standing.holds(first, &clock));
        clock.advance(Duration::from_secs(1));
        assert_eq!((standing.term(&clock), standing.left(&clock)), (None, Duration::ZERO));
        standing.begin(Incarnation::generate(&OsEntropy), seconds(&clock, 20));

        assert!(!standing.holds(first, &clock));
        assert!(standing.term(&clock).is_some_and(|term| term != first));
        // An answer to a request of the earlier term comes late.
        standing.end();
        standing.extend(incarnation, seconds(&clock, 20));
        assert_eq!(standing.term(&clock), None);
    }

    /// The monotonic clock of Linux stands still while the machine sleeps.
    #[test]
    fn a_term_ends_while_the_machine_sleeps() {
        let clock = ManualClock::new();
        let standing = Standing::outside(clock.now());
        standing.begin(Incarnation::generate(&OsEntropy), seconds(&clock, 20));

        clock.set_wall(clock.wall() + Duration::from_secs(21));

        assert_eq!(standing.term(&clock), None);
    }

    #[test]
    fn a_server_that_is_alone_always_serves() {
        let clock = ManualClock::new();
        let standing = Standing::alone(clock.now());
        clock.advance(Duration::from_hours(24 * 365));

        assert_eq!(standing.term(&clock), Some(Term::default()));
    }
}
