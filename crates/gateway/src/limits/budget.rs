//! Limits the number of attempts of each key.
//!
//! A budget refills evenly over its window (generic cell rate algorithm, ITU-T I.371), so one time
//! stamp for each key is enough. The time is an argument, so tests do not wait.
//!
//! The number of keys is limited, because each key takes memory, and a client with a large IPv6
//! network has many addresses. When too many keys are in use, all counts are cleared. If new keys
//! were rejected instead, one attacker could lock out all other clients. An attacker gains new
//! attempts when the counts are cleared, but had to spend one attempt for each key before.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::Mutex,
    time::{Duration, Instant},
};

use doorward_core::lock;

/// Rate limiter with one budget per key (generic cell rate algorithm). A key may make all attempts
/// of a window in one burst. Used attempts refill evenly over the window.
///
/// The number of keys is bounded: 100,000 with [`new`](Self::new). When more are in use, all counts
/// are cleared. Rejecting new keys instead would let an attacker with that many keys lock out all
/// other clients.
///
/// # Examples
/// ```
/// use std::time::Instant;
/// use doorward::__private::Budget;
///
/// fn may_guess(budget: &Budget<&'static str>, now: Instant) -> bool {
///     budget.take(&"alice", now).is_ok()
/// }
/// ```
pub struct Budget<K> {
    /// Time in which one attempt refills.
    cell: Duration,
    /// Time in which all attempts refill.
    window: Duration,
    max_keys: usize,
    /// Protects the counts. Held for one lookup, and occasionally for dropping idle keys.
    counts: Mutex<Counts<K>>,
}

struct Counts<K> {
    /// Time at which the budget of each key is full again. It is at most one window and the time of
    /// one attempt in the future.
    used_until: HashMap<K, Instant>,
    /// Number of keys at which idle keys are dropped. After each drop it is set to twice the number
    /// of remaining keys, within fixed bounds, so that dropping takes constant time per new key on
    /// average.
    drop_at: usize,
}

impl<K: Clone + Eq + Hash> Budget<K> {
    /// Creates budgets of `per_minute` attempts per minute for each key. A `per_minute` of 0 counts
    /// as 1.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        Self::within(MINUTE, per_minute.max(1), MAX_KEYS)
    }

    /// Creates budgets of `limit` attempts in `window` for each of up to `max_keys` keys.
    ///
    /// # Panics
    /// Panics if `limit` is zero, or if `window / limit` is zero.
    pub(crate) fn within(window: Duration, limit: u32, max_keys: usize) -> Self {
        assert!(limit > 0, "a budget lets something through");
        let cell = window.min(CENTURY) / limit;
        assert!(!cell.is_zero(), "a budget needs some time");
        let counts = Counts { used_until: HashMap::new(), drop_at: MIN_DROP.min(max_keys) };
        Self { cell, window: cell * limit, max_keys, counts: Mutex::new(counts) }
    }

    /// Uses one attempt of a key, if one is left.
    ///
    /// # Errors
    /// The time to wait, if no attempt is left. Nothing is used then.
    pub fn take(&self, key: &K, now: Instant) -> Result<(), Duration> {
        // One lock covers both steps, so that concurrent attempts do not all use the last one.
        let mut counts = lock(&self.counts);
        self.check_in(&counts, key, now)?;
        self.spend_in(&mut counts, key, now);
        Ok(())
    }

    /// Checks that an attempt of a key is left, without using it.
    ///
    /// # Errors
    /// The time to wait, if no attempt is left.
    pub fn check(&self, key: &K, now: Instant) -> Result<(), Duration> {
        self.check_in(&lock(&self.counts), key, now)
    }

    /// Uses one attempt of a key, even if none is left. The debt is limited: once a key stops
    /// spending, it waits for at most the time in which two attempts refill.
    pub fn spend(&self, key: &K, now: Instant) {
        self.spend_in(&mut lock(&self.counts), key, now);
    }

    fn check_in(&self, counts: &Counts<K>, key: &K, now: Instant) -> Result<(), Duration> {
        let Some(until) = counts.used_until.get(key).copied() else { return Ok(()) };
        let next = until + self.cell;
        match next.saturating_duration_since(now).checked_sub(self.window) {
            None | Some(Duration::ZERO) => Ok(()),
            Some(wait) => Err(wait),
        }
    }

    fn spend_in(&self, counts: &mut Counts<K>, key: &K, now: Instant) {
        let until = match counts.used_until.get_mut(key) {
            Some(until) => until,
            None => {
                counts.make_room(self.max_keys, now);
                counts.used_until.entry(key.clone()).or_insert(now)
            }
        };
        *until = ((*until).max(now) + self.cell).min(now + self.window + self.cell);
    }
}

impl<K: Eq + Hash> Counts<K> {
    /// Drops idle keys once enough keys are in use. A key whose budget is full is idle, because a
    /// new key has a full budget too. If too many keys remain, all are dropped.
    fn make_room(&mut self, max_keys: usize, now: Instant) {
        if self.used_until.len() < self.drop_at {
            return;
        }
        self.used_until.retain(|_, until| *until > now);
        if self.used_until.len() >= max_keys {
            self.used_until.clear();
        }
        self.used_until.shrink_to(self.used_until.len() * 2);
        self.drop_at = (self.used_until.len() * 2).max(MIN_DROP).min(max_keys);
    }
}

doorward_core::debug_fields!(Budget<K> { cell });

const MINUTE: Duration = Duration::from_secs(60);

/// Maximum length of a window, so that [`Instant`] can represent the time at which a budget is
/// full.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Maximum number of keys of a budget that [`Budget::new`] creates. They take about 8 MB.
const MAX_KEYS: usize = 100_000;

/// Number of keys below which idle keys are not dropped.
const MIN_DROP: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_used_up_and_refills() {
        let budget = Budget::new(6);
        let start = start();

        for _ in 0..6 {
            assert_eq!(budget.check(&"key", start), Ok(()));
            budget.spend(&"key", start);
        }

        assert_eq!(budget.check(&"key", start), Err(Duration::from_secs(10)));
        assert_eq!(budget.check(&"other", start), Ok(()));
        let later = start + Duration::from_secs(10);
        assert_eq!(budget.check(&"key", later), Ok(()));
        budget.spend(&"key", later);
        assert_eq!(budget.check(&"key", later), Err(Duration::from_secs(10)));
        assert_eq!(budget.check(&"key", later + MINUTE), Ok(()));
    }

    #[test]
    fn a_key_that_keeps_spending_waits_for_two_attempts() {
        let budget = Budget::new(6);
        let start = start();

        for _ in 0..10_000 {
            budget.spend(&"key", start);
        }

        assert_eq!(budget.check(&"key", start), Err(Duration::from_secs(20)));
        assert_eq!(budget.check(&"key", start + Duration::from_secs(20)), Ok(()));
    }

    #[test]
    fn the_table_is_bounded() {
        let budget = Budget::new(1);
        let start = start();

        for key in 0..=MAX_KEYS {
            budget.spend(&key, start);
        }

        assert_eq!(lock(&budget.counts).used_until.len(), 1);
    }

    #[test]
    fn idle_keys_are_dropped_long_before_the_table_is_full() {
        let budget = Budget::within(Duration::from_secs(1), 1, MAX_KEYS);
        let start = start();

        for key in 0..10_000 {
            let seconds = u64::from(key / 100_u32);
            budget.take(&key, start + Duration::from_secs(seconds)).unwrap();
        }

        assert!(lock(&budget.counts).used_until.len() <= MIN_DROP);
    }

    #[test]
    fn a_key_without_an_attempt_left_is_refused_and_pays_nothing() {
        let budget = Budget::within(Duration::from_secs(10), 3, MAX_KEYS);
        let start = start();
        let cell = Duration::from_secs(10) / 3;

        for _ in 0..3 {
            assert_eq!(budget.take(&"key", start), Ok(()));
        }

        for _ in 0..10 {
            assert_eq!(budget.take(&"key", start), Err(cell));
        }
        let early = cell.saturating_sub(Duration::from_nanos(1));
        assert_eq!(budget.take(&"key", start + early), Err(Duration::from_nanos(1)));
        assert_eq!(budget.take(&"key", start + cell), Ok(()));
        assert_eq!(budget.take(&"key", start + cell), Err(cell));
    }

    #[test]
    fn no_window_is_too_long() {
        let budget = Budget::within(Duration::MAX, 1, MAX_KEYS);
        let start = start();

        assert_eq!(budget.take(&"key", start), Ok(()));
        assert!(budget.take(&"key", start).is_err());
    }

    fn start() -> Instant {
        doorward_core::Clock::now(&doorward_core::ManualClock::new())
    }
}
