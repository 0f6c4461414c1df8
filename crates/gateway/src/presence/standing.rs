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
    time::{Duration, Instant},
};

use doorward_core::{Incarnation, lock};

/// Standing of this node. Its default is that of a server that is the only node, which always
/// serves.
pub(crate) struct Standing {
    /// Time that the moments below are counted from.
    base: Instant,
    /// Nanoseconds from `base` until the node stops serving.
    until: AtomicU64,
    /// Number of the membership. A link that was admitted in an earlier one must end.
    term: AtomicU64,
    /// Incarnation of the current membership.
    incarnation: Mutex<Option<Incarnation>>,
}

/// Number of a membership, as a link remembers it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Term(u64);

impl Standing {
    /// Returns the standing of a server that is the only node.
    pub(crate) fn alone(now: Instant) -> Self {
        Self {
            base: now,
            until: AtomicU64::new(ALWAYS),
            term: AtomicU64::new(0),
            incarnation: Mutex::new(None),
        }
    }

    /// Returns the standing of a node that has not joined its cluster yet.
    pub(crate) fn outside(now: Instant) -> Self {
        Self { until: AtomicU64::new(0), ..Self::alone(now) }
    }

    /// Returns the current term, or `None` if the node may not serve clients. `now` is called only
    /// on a cluster.
    pub(crate) fn term(&self, now: impl FnOnce() -> Instant) -> Option<Term> {
        // The term is read first. If the node joins again in between, the caller gets the earlier
        // term, and its next comparison fails.
        let term = self.term.load(Ordering::Acquire);
        let until = self.until.load(Ordering::Acquire);
        let serves = until == ALWAYS || self.since_base(now()) < until;
        serves.then_some(Term(term))
    }

    /// Returns `true` if the node serves clients, and is still in the given term.
    pub(crate) fn holds(&self, term: Term, now: impl FnOnce() -> Instant) -> bool {
        self.term(now) == Some(term)
    }

    /// Begins the next term, which ends at `until` unless it is extended.
    pub(crate) fn begin(&self, incarnation: Incarnation, until: Instant) {
        self.end();
        *lock(&self.incarnation) = Some(incarnation);
        self.term.fetch_add(1, Ordering::AcqRel);
        self.extend(until);
    }

    /// Extends the current term until `until`.
    pub(crate) fn extend(&self, until: Instant) {
        self.until.store(self.since_base(until), Ordering::Release);
    }

    /// Stops serving clients.
    pub(crate) fn end(&self) {
        self.until.store(0, Ordering::Release);
        *lock(&self.incarnation) = None;
    }

    /// Returns the time at which the current term ends.
    pub(crate) fn until(&self) -> Instant {
        self.base + Duration::from_nanos(self.until.load(Ordering::Acquire))
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

/// Value of `until` for a server that is the only node.
const ALWAYS: u64 = u64::MAX;

#[cfg(test)]
mod tests {
    use doorward_core::{Clock as _, ManualClock};

    use super::*;
    use crate::runtime::system::OsEntropy;

    #[test]
    fn a_term_ends_with_its_lease_and_never_returns() {
        let clock = ManualClock::new();
        let start = clock.now();
        let second = |number| move || start + Duration::from_secs(number);
        let standing = Standing::outside(start);
        assert_eq!(standing.term(second(0)), None);

        standing.begin(Incarnation::generate(&OsEntropy), second(20)());
        let first = standing.term(second(19)).unwrap();
        assert_eq!(standing.term(second(20)), None);
        standing.extend(second(25)());
        assert!(standing.holds(first, second(24)));
        standing.end();
        assert!(!standing.holds(first, second(24)));
        standing.begin(Incarnation::generate(&OsEntropy), second(40)());

        assert!(!standing.holds(first, second(30)));
        assert!(standing.term(second(30)).is_some_and(|term| term != first));
    }

    #[test]
    fn a_server_that_is_alone_always_serves_and_reads_no_clock() {
        let standing = Standing::alone(ManualClock::new().now());

        assert_eq!(standing.term(|| unreachable!()), Some(Term::default()));
    }
}
