//! Counts how often somebody begins, so that nobody can make the server work without end.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use doorward::{Budget, network};

use crate::wire::Failure;

/// The budgets of a sign-in.
pub(crate) struct Attempts {
    begun: Budget<IpAddr>,
    exchanged: Budget<IpAddr>,
    codes: Budget<IpAddr>,
    codes_of_name: Budget<Box<str>>,
}

impl Attempts {
    pub(crate) fn new() -> Self {
        Self {
            begun: Budget::new(BEGUN_A_MINUTE),
            exchanged: Budget::new(BEGUN_A_MINUTE),
            codes: Budget::new(CODES_A_MINUTE),
            codes_of_name: Budget::new(CODES_A_MINUTE),
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

    /// Somebody shows a recovery code of the account with this name.
    pub(crate) fn try_code(
        &self,
        address: Option<IpAddr>,
        name_key: &str,
        now: Instant,
    ) -> Result<(), Failure> {
        if let Some(address) = address.map(network) {
            spend(&self.codes, address, now).map_err(Failure::too_many)?;
        }
        spend(&self.codes_of_name, name_key.into(), now).map_err(Failure::too_many)
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
