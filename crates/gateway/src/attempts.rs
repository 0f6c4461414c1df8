//! Counts attempts, so that nobody can make the server work without end.
//!
//! An address pays for guesses, before any cryptography: who floods with forged tokens is turned away
//! unlooked-at. Credentials that were good and are over, and clients that show none, cost nothing, so that
//! neither an office whose tokens have expired together nor a page that opens sockets in its people's
//! browsers uses the budget up. What pages of other hosts guess is paid from a small budget of its own.
//! Beyond the budget of its address a client is looked at no further, unless its credential is recognised by
//! itself: then it costs its user when it is refused all the same. Where the address is not known there is
//! no budget: it would be one for all.
//! A user pays for every attempt that was authenticated: a program that connects in a loop.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use doorward_core::{Refusal, RefusalCode, RefusalReason, UserId};

use crate::{Budget, addresses::network, page::Page};

/// The budgets of a server.
pub(crate) struct Attempts {
    addresses: Budget<IpAddr>,
    /// The same for pages of other hosts.
    foreign: Budget<IpAddr>,
    /// Refusals of recognised credentials beyond the budget of their address.
    recognised: Budget<(IpAddr, UserId)>,
    users: Budget<UserId>,
}

impl Attempts {
    /// Lets each address be refused, and each user be authenticated, so many times a minute.
    pub(crate) fn new(refusals: u32, attempts: u32) -> Self {
        Self {
            addresses: Budget::new(refusals),
            foreign: Budget::new(refusals / FOREIGN_SHARE),
            recognised: Budget::new(attempts),
            users: Budget::new(attempts),
        }
    }

    /// Returns how long the address has to wait, when its budget is used up.
    pub(crate) fn check_address(
        &self,
        address: Option<IpAddr>,
        page: Page,
        now: Instant,
    ) -> Result<(), Duration> {
        address.map_or(Ok(()), |address| self.of(page).check(&network(address), now))
    }

    /// Returns how long to wait when too many of the user's recognised credentials were refused.
    pub(crate) fn check_recognised(
        &self,
        address: Option<IpAddr>,
        user: &UserId,
        now: Instant,
    ) -> Result<(), Duration> {
        let key = address.map(|address| (network(address), user.clone()));
        key.map_or(Ok(()), |key| self.recognised.check(&key, now))
    }

    /// A recognised credential of the user was refused.
    pub(crate) fn recognised_refused(&self, address: Option<IpAddr>, user: UserId, now: Instant) {
        if let Some(address) = address {
            self.recognised.spend((network(address), user), now);
        }
    }

    /// The address was refused. A token that has expired, or that may be from before a revocation, is no guess.
    pub(crate) fn refused(
        &self,
        address: Option<IpAddr>,
        page: Page,
        refusal: &Refusal,
        now: Instant,
    ) {
        let is_guess = refusal.code() != RefusalCode::TokenExpired
            && matches!(
                refusal.reason(),
                RefusalReason::Application
                    | RefusalReason::Revoked
                    | RefusalReason::SessionUnknown
                    | RefusalReason::TokenHeader
                    | RefusalReason::TokenMalformed
                    | RefusalReason::TokenSignature
            );
        if let Some(address) = address.filter(|_| is_guess) {
            self.of(page).spend(network(address), now);
        }
    }

    fn of(&self, page: Page) -> &Budget<IpAddr> {
        match page {
            Page::Foreign => &self.foreign,
            Page::Own => &self.addresses,
        }
    }

    /// The user was authenticated; returns how long to wait when that was once too often.
    pub(crate) fn authenticated(&self, user: &UserId, now: Instant) -> Result<(), Duration> {
        self.users.check(user, now)?;
        self.users.spend(user.clone(), now);
        Ok(())
    }
}

/// The budget of foreign pages is this part of the budget of their address.
const FOREIGN_SHARE: u32 = 5;
