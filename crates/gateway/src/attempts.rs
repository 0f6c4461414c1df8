//! Counts attempts, so that nobody can make the server work without end.
//!
//! An address pays for guesses, before any cryptography: who floods with forged tokens is turned away
//! unlooked-at. Credentials that were good and are over, and clients that show none, cost nothing, so that
//! neither an office whose tokens have expired together nor a page that opens sockets in its people's
//! browsers uses the budget up. Where the address is not known there is no budget: it would be one for all.
//! A user pays for every attempt that was authenticated: a program that connects in a loop.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use doorward_core::{RefusalReason, UserId};

use crate::{Budget, addresses::network};

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
