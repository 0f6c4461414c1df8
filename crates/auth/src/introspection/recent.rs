//! Remembers a bounded number of recent answers.

use std::{
    collections::HashMap,
    hash::Hash,
    time::{Duration, SystemTime},
};

use crate::remote::since::since;

/// Cache of at most 2 × [`CAPACITY`] values, each kept for [`KEEP_FOR`].
///
/// Values are kept in two generations. A full or old generation replaces the one before it, so
/// values need not be removed one by one. If more values arrive than fit, the oldest are forgotten
/// early.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    current: HashMap<K, (V, SystemTime)>,
    previous: HashMap<K, (V, SystemTime)>,
    begun: SystemTime,
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    pub(super) fn new() -> Self {
        Self { current: HashMap::new(), previous: HashMap::new(), begun: SystemTime::UNIX_EPOCH }
    }

    /// Returns the value of `key` if it is at most `max_age` old.
    pub(super) fn get(&self, key: &K, now: SystemTime, max_age: Duration) -> Option<V> {
        let found = self.current.get(key).or_else(|| self.previous.get(key));
        found
            .filter(|(_, at)| since(*at, now) <= max_age.min(KEEP_FOR))
            .map(|(value, _)| value.clone())
    }

    pub(super) fn insert(&mut self, key: K, value: V, now: SystemTime) {
        if self.current.len() >= CAPACITY || since(self.begun, now) > KEEP_FOR {
            self.previous = std::mem::take(&mut self.current);
            self.begun = now;
        }
        self.current.insert(key, (value, now));
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.current.len() + self.previous.len()
    }
}

/// Time for which a value is kept.
pub(super) const KEEP_FOR: Duration = Duration::from_secs(10);

/// Maximum number of values of one generation.
const CAPACITY: usize = 4_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_value_is_found_for_ten_seconds_or_for_less_if_it_must_be_newer() {
        let mut recent = Recent::new();
        recent.insert(1, "a", at(100));

        assert_eq!(recent.get(&1, at(110), KEEP_FOR), Some("a"));
        assert_eq!(recent.get(&1, at(110), Duration::from_secs(9)), None);
        assert_eq!(recent.get(&1, at(111), Duration::MAX), None);
        assert_eq!(recent.get(&2, at(100), KEEP_FOR), None);
        // Values of the generation before are found too.
        recent.insert(2, "b", at(105));
        recent.insert(3, "c", at(111));
        assert_eq!(recent.get(&2, at(112), KEEP_FOR), Some("b"));
    }

    #[test]
    fn the_number_of_values_is_bounded() {
        let mut recent = Recent::new();
        for value in 0..10 * CAPACITY {
            recent.insert(value, value, at(1));
            assert!(recent.len() <= 2 * CAPACITY);
        }
        assert_eq!(recent.get(&(10 * CAPACITY - 1), at(1), KEEP_FOR), Some(10 * CAPACITY - 1));
        for second in (0..1_000).step_by(20) {
            recent.insert(0, 0, at(second));
        }
        assert_eq!(recent.len(), 2);
    }
}
