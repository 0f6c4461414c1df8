//! A budget of attempts for each of many.
//!
//! It fills evenly over a minute (the generic cell rate algorithm): time comes in, so a test need not wait.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// So many attempts a minute for each key, and a minute's worth at once.
///
/// 100,000 keys are counted at once; beyond that everything is forgotten, because to turn everybody away
/// would be what somebody with so many keys wants.
///
/// # Examples
/// ```
/// use std::time::Instant;
/// use doorward::Budget;
///
/// fn may_guess(budget: &Budget<&'static str>, now: Instant) -> bool {
///     let is_in_budget = budget.check(&"alice", now).is_ok();
///     budget.spend("alice", now);
///     is_in_budget
/// }
/// # drop(may_guess);
/// ```
pub struct Budget<K> {
    cell: Duration,
    /// Protects the table; held for one lookup, and now and then for clearing it.
    used_until: Mutex<HashMap<K, Instant>>,
}

impl<K: Clone + Eq + Hash> Budget<K> {
    /// Allows each key so many attempts a minute, one at least.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        Self { cell: MINUTE / per_minute.max(1), used_until: Mutex::default() }
    }

    /// Says whether there is anything left, without using it.
    ///
    /// # Errors
    /// How long to wait when there is not.
    pub fn check(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let Some(until) = self.lock().get(key).copied() else { return Ok(()) };
        let next = until + self.cell;
        match next.saturating_duration_since(now).checked_sub(MINUTE) {
            None | Some(Duration::ZERO) => Ok(()),
            Some(wait) => Err(wait),
        }
    }

    /// Uses one attempt up, whether one is left or not. The debt is bounded: a key that goes on spending waits for
    /// two attempts' worth of time at most after it has stopped.
    pub fn spend(&self, key: K, now: Instant) {
        let mut used_until = self.lock();
        if used_until.len() >= MAX_KEYS && !used_until.contains_key(&key) {
            used_until.retain(|_, until| *until > now);
            if used_until.len() >= MAX_KEYS {
                // Somebody has more addresses than can be counted. Forgetting what was counted lets
                // them guess more often; turning everybody away would be what they want.
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

/// About 8 MB for each kind.
const MAX_KEYS: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_used_up_and_fills_again() {
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
    fn a_key_that_spends_without_end_waits_for_two_attempts() {
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
