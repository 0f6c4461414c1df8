//! Limits attempts, so that no client can cause unbounded work.
//!
//! A budget belongs to an address, or to an authenticated user. None is keyed by a user name, which any client can
//! type. Start reading at [`Attempts`].

use std::{net::IpAddr, time::Instant};

use doorward::{
    __private::{Budget, network},
    UserId,
};

use crate::wire::Failure;

/// Budgets of the sign-in.
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

    /// Counts the start of a ceremony. Without a known address there is no budget, since all such clients would
    /// share it.
    pub(crate) fn begin(&self, address: Option<IpAddr>, now: Instant) -> Result<(), Failure> {
        let Some(address) = address.map(network) else { return Ok(()) };
        self.begun.take(&address, now).map_err(Failure::too_many)
    }

    /// Counts the redemption of a ticket.
    pub(crate) fn exchange(&self, address: Option<IpAddr>, now: Instant) -> Result<(), Failure> {
        let Some(address) = address.map(network) else { return Ok(()) };
        self.exchanged.take(&address, now).map_err(Failure::too_many)
    }

    /// Counts an attempt with a recovery code.
    ///
    /// There is no budget by user name: strangers who guess would spend it, and the owner with a good code would be
    /// rejected. It is not needed either. Ten of the 2^80 codes are valid, and `Hasher` checks less than 100 a
    /// second for all clients together: guessing one takes 10^13 years on average.
    pub(crate) fn try_code(&self, address: Option<IpAddr>, now: Instant) -> Result<(), Failure> {
        let Some(address) = address.map(network) else { return Ok(()) };
        self.codes.take(&address, now).map_err(Failure::too_many)
    }

    /// Counts the start of adding a passkey. Only the user can spend this budget.
    pub(crate) fn add_passkey(&self, user: &UserId, now: Instant) -> Result<(), Failure> {
        self.added.take(user, now).map_err(Failure::too_many)
    }

    /// Counts the creation of recovery codes. Only the user can spend this budget.
    pub(crate) fn make_codes(&self, user: &UserId, now: Instant) -> Result<(), Failure> {
        self.made.take(user, now).map_err(Failure::too_many)
    }
}

/// Enough for an office with one address that signs in in the morning.
const BEGUN_A_MINUTE: u32 = 120;

/// Each attempt costs as much as a password check; a person types one.
const CODES_A_MINUTE: u32 = 10;

/// Each start stores the ids of all passkeys of the account, up to 20 KB, for five minutes.
const ADDED_A_MINUTE: u32 = 20;

/// Each creation costs ten times as much. A person prints one set.
const MADE_A_MINUTE: u32 = 6;
