//! Counts attempts, so that nobody can make the server work without end.
//!
//! An address pays for guesses, before any cryptography: who floods with forged tokens is turned away
//! unlooked-at. Credentials that were good and are over, and clients that show none, cost nothing, so that
//! neither an office whose tokens have expired together nor a page that opens sockets in its people's
//! browsers uses the budget up. Where the address is not known there is no budget: it would be one for all.
//! A user pays for every attempt that was authenticated: a program that connects in a loop.
//! A budget fills evenly over a minute (the generic cell rate algorithm).

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use doorward_core::{RefusalReason, UserId};

use crate::addresses::network;

/// The budgets of a server.
pub(crate) struct Attempts {
    addresses: Budget<IpAddr>,
    users: Budget<UserId>,
}

impl Attempts {
    /// Lets each address be refused, and each user be authenticated, so many times a minute.
    pub(crate) fn new(refusals: u32, attempts: u32) -> Self {
        Self { addresses: Budget::new(refusals), users: Budget::new(attempts) }
    }

    /// Returns how long the address has to wait, when its budget is used up.
    pub(crate) fn check_address(
        &self,
        address: Option<IpAddr>,
        now: Instant,
    ) -> Result<(), Duration> {
        address.map_or(Ok(()), |address| self.addresses.check(&network(address), now))
    }

    /// The address was refused, for this reason.
    pub(crate) fn refused(&self, address: Option<IpAddr>, reason: RefusalReason, now: Instant) {
        let is_guess = matches!(
            reason,
            RefusalReason::Application
                | RefusalReason::Revoked
                | RefusalReason::SessionUnknown
                | RefusalReason::TokenHeader
                | RefusalReason::TokenMalformed
                | RefusalReason::TokenSignature
        );
        if let Some(address) = address.filter(|_| is_guess) {
            self.addresses.spend(network(address), now);
        }
    }

    /// The user was authenticated; returns how long to wait when that was once too often.
    pub(crate) fn authenticated(&self, user: &UserId, now: Instant) -> Result<(), Duration> {
        self.users.check(user, now)?;
        self.users.spend(user.clone(), now);
        Ok(())
    }
}

/// One attempt for each cell of a minute, and a minute's worth at once.
struct Budget<K> {
    cell: Duration,
    /// Protects the table; held for one lookup, and now and then for clearing it.
    used_until: Mutex<HashMap<K, Instant>>,
}

impl<K: Clone + Eq + Hash> Budget<K> {
    fn new(per_minute: u32) -> Self {
        Self { cell: MINUTE / per_minute.max(1), used_until: Mutex::default() }
    }

    fn check(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let Some(until) = self.lock().get(key).copied() else { return Ok(()) };
        let next = until + self.cell;
        match next.saturating_duration_since(now).checked_sub(MINUTE) {
            None | Some(Duration::ZERO) => Ok(()),
            Some(wait) => Err(wait),
        }
    }

    fn spend(&self, key: K, now: Instant) {
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
        *until = (*until).max(now) + self.cell;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Instant>> {
        self.used_until.lock().unwrap_or_else(PoisonError::into_inner)
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
