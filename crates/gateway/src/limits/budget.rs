//! A budget of attempts for each key.
//!
//! It refills evenly over a minute (generic cell rate algorithm, ITU-T I.371). The time is an
//! argument, so tests do not wait.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Limits the attempts of each key per minute. A key may use the attempts of a minute at once.
///
/// Up to 100,000 keys are counted. Beyond that all counts are cleared: rejecting every key instead
/// would let an attacker with that many keys lock out all other clients.
///
/// # Examples
/// ```
/// use std::time::Instant;
/// use doorward::__private::Budget;
///
/// fn may_guess(budget: &Budget<&'static str>, now: Instant) -> bool {
///     let is_in_budget = budget.check(&"alice", now).is_ok();
///     budget.spend("alice", now);
/// is_in_budget }
/// ```
pub struct Budget<K> {
    /// Time in which one attempt refills.
    cell: Duration,
    /// Time at which the budget of each key is full again. A key may be ahead of the present by a
    /// minute.
    ///
    /// Protects the table; held for one lookup, and now and then for clearing it.
    used_until: Mutex<HashMap<K, Instant>>,
}

impl<K: Clone + Eq + Hash> Budget<K> {
    /// Creates a budget of `per_minute` attempts for each key, but at least one.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        Self { cell: MINUTE / per_minute.max(1), used_until: Mutex::default() }
    }

    /// Checks that an attempt is left, without using it.
    ///
    /// # Errors
    /// The time to wait, if none is left.
    pub fn check(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let Some(until) = self.lock().get(key).copied() else { return Ok(()) };
        let next = until + self.cell;
        match next.saturating_duration_since(now).checked_sub(MINUTE) {
            None | Some(Duration::ZERO) => Ok(()),
            Some(wait) => Err(wait),
        }
    }

    /// Uses one attempt, even if none is left. The debt is bounded: a key that keeps spending waits
    /// for at most the time of two attempts after it has stopped.
    pub fn spend(&self, key: K, now: Instant) {
        let mut used_until = self.lock();
        if used_until.len() >= MAX_KEYS && !used_until.contains_key(&key) {
            used_until.retain(|_, until| *until > now);
            if used_until.len() >= MAX_KEYS {
                // An attacker has more keys than can be counted. Clearing the counts lets it guess
                // more often. Rejecting every key would let it lock out all other clients.
                used_until.clear();
            }
        }
        let until = used_until.entry(key).or_insert(now);
        *until = ((*until).max(now) + self.cell).min(now + MINUTE + self.cell);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Instant>> {
        self.used_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K> fmt::Debug for Budget<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").field("cell", &self.cell).finish_non_exhaustive()
    }
}

const MINUTE: Duration = Duration::from_secs(60);

/// Maximum number of keys: about 8 MB for each budget.
const MAX_KEYS: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_used_up_and_refills() {
        let budget = Budget::new(6);
        let start = start();

        for _ in 0..6 {
            assert_eq!(budget.check(&"key", start), Ok(()));
            budget.spend("key", start);
        }

        assert_eq!(budget.check(&"key", start), Err(Duration::from_secs(10)));
        assert_eq!(budget.check(&"other", start), Ok(()));
        let later = start + Duration::from_secs(10);
        assert_eq!(budget.check(&"key", later), Ok(()));
        budget.spend("key", later);
        assert_eq!(budget.check(&"key", later), Err(Duration::from_secs(10)));
        assert_eq!(budget.check(&"key", later + MINUTE), Ok(()));
    }

    #[test]
    fn a_key_that_keeps_spending_waits_for_two_attempts() {
        let budget = Budget::new(6);
        let start = start();

        for _ in 0..10_000 {
            budget.spend("key", start);
        }

        assert_eq!(budget.check(&"key", start), Err(Duration::from_secs(20)));
        assert_eq!(budget.check(&"key", start + Duration::from_secs(20)), Ok(()));
    }

    #[test]
    fn the_table_is_bounded() {
        let budget = Budget::new(1);
        let start = start();

        for key in 0..=MAX_KEYS {
            budget.spend(key, start);
        }

        assert_eq!(budget.lock().len(), 1);
    }

    fn start() -> Instant {
        doorward_core::Clock::now(&doorward_core::ManualClock::new())
    }
}
