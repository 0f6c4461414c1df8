//! Counts how often a client begins, so that none can make the server work without end.
//!
//! A budget belongs to the one who spends it: an address, or a user who is signed in. None is keyed by a name
//! that anybody can type.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use doorward::{Budget, UserId, network};

use crate::wire::Failure;

/// The budgets of a sign-in.
pub(crate) struct Attempts {
    begun: Budget<IpAddr>,
    exchanged: Budget<IpAddr>,
    codes: Budget<IpAddr>,
    made: Budget<UserId>,
    added: Budget<UserId>,
}

impl Attempts {
    pub(crate) fn new() -> Self {
        Self {
            begun: Budget::new(BEGUN_A_MINUTE),
            exchanged: Budget::new(BEGUN_A_MINUTE),
            codes: Budget::new(CODES_A_MINUTE),
            made: Budget::new(MADE_A_MINUTE),
            added: Budget::new(ADDED_A_MINUTE),
        }
    }

    /// Somebody begins a ceremony. Where the address is not known there is no budget: it would be one for
    /// all.
    pub(crate) fn begin(&self, address: Option<IpAddr>, now: Instant) -> Result<(), Failure> {
        let Some(address) = address.map(network) else { return Ok(()) };
        spend(&self.begun, address, now).map_err(Failure::too_many)
    }

    /// Somebody shows a ticket, which the store is asked to take.
    pub(crate) fn exchange(&self, address: Option<IpAddr>, now: Instant) -> Result<(), Failure> {
        let Some(address) = address.map(network) else { return Ok(()) };
        spend(&self.exchanged, address, now).map_err(Failure::too_many)
    }

    /// A client shows a recovery code.
    ///
    /// There is no budget for the name: strangers who guess would spend it, and its owner, who has a good code,
    /// would be refused. It is not needed either. Of the 2^80 codes ten are good, and `Hasher` judges less than
    /// 100 a second, for all clients together: guessing one takes 10^13 years on average.
    pub(crate) fn try_code(&self, address: Option<IpAddr>, now: Instant) -> Result<(), Failure> {
        let Some(address) = address.map(network) else { return Ok(()) };
        spend(&self.codes, address, now).map_err(Failure::too_many)
    }

    /// A user begins to add a passkey: only they can spend this budget.
    pub(crate) fn add_passkey(&self, user: &UserId, now: Instant) -> Result<(), Failure> {
        spend(&self.added, user.clone(), now).map_err(Failure::too_many)
    }

    /// A user makes recovery codes: only they can spend this budget.
    pub(crate) fn make_codes(&self, user: &UserId, now: Instant) -> Result<(), Failure> {
        spend(&self.made, user.clone(), now).map_err(Failure::too_many)
    }
}

fn spend<K: Clone + Eq + std::hash::Hash>(
    budget: &Budget<K>,
    key: K,
    now: Instant,
) -> Result<(), Duration> {
    budget.check(&key, now)?;
    budget.spend(key, now);
    Ok(())
}

/// An office behind one address signs in together in the morning.
const BEGUN_A_MINUTE: u32 = 120;

/// Each costs as much as a password check; a person types one.
const CODES_A_MINUTE: u32 = 10;

/// Each remembers the ids of all passkeys of the account, up to 20 KB, for five minutes.
const ADDED_A_MINUTE: u32 = 20;

/// Each costs ten times as much. A person prints one set.
const MADE_A_MINUTE: u32 = 6;
