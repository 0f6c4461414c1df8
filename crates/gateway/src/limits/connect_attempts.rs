//! Bounds attempts to connect, by address and by user.
//!
//! Guesses are charged to the budget of their address, which is checked before any cryptography.
//! Expired and missing credentials are not guesses: the budget is not used up by an office whose
//! tokens expire together, nor by a page that opens sockets in the browsers of its visitors.
//! Guesses from pages of other hosts have a separate, smaller budget.
//!
//! When the budget of an address is used up, its clients are refused before their credential is
//! checked, unless the credential proves its own origin, such as a signed token. If such a
//! credential is refused, the budget of its user is charged. Without a known address there is no
//! budget, because all clients would share it.
//!
//! Every authenticated attempt is charged to the budget of its user, which limits a client that
//! connects in a loop.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use doorward_core::{Refusal, RefusalCode, RefusalReason, UserId};

use crate::{
    limits::{addresses::network, budget::Budget},
    peer::foreign_page::Page,
};

/// Budgets of a server.
pub(crate) struct Attempts {
    addresses: Budget<IpAddr>,
    /// Budgets of addresses for guesses from pages of other hosts.
    foreign: Budget<IpAddr>,
    /// Refusals of recognised credentials beyond the budget of their address.
    recognised: Budget<(IpAddr, UserId)>,
    /// Authenticated attempts of each user.
    pub(crate) users: Budget<UserId>,
}

impl Attempts {
    /// Creates budgets of `refusals` per minute for each address, and of `attempts` for each user.
    pub(crate) fn new(refusals: u32, attempts: u32) -> Self {
        Self {
            addresses: Budget::new(refusals),
            foreign: Budget::new(refusals / FOREIGN_SHARE),
            recognised: Budget::new(attempts),
            users: Budget::new(attempts),
        }
    }

    /// Checks the budget of an address. The error is the time to wait.
    pub(crate) fn check_address(
        &self,
        address: Option<IpAddr>,
        page: Page,
        now: Instant,
    ) -> Result<(), Duration> {
        address.map_or(Ok(()), |address| self.of(page).check(&network(address), now))
    }

    /// Checks the budget for refusals of a user's recognised credentials. The error is the time to
    /// wait.
    pub(crate) fn check_recognised(
        &self,
        address: Option<IpAddr>,
        user: &UserId,
        now: Instant,
    ) -> Result<(), Duration> {
        let key = address.map(|address| (network(address), user.clone()));
        key.map_or(Ok(()), |key| self.recognised.check(&key, now))
    }

    /// Counts a refusal of a recognised credential of the user.
    pub(crate) fn recognised_refused(&self, address: Option<IpAddr>, user: UserId, now: Instant) {
        if let Some(address) = address {
            self.recognised.spend(&(network(address), user), now);
        }
    }

    /// Counts a refusal of the address, if it was a guess. A token that has expired, or that may be
    /// older than a revocation, is not one.
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
            self.of(page).spend(&network(address), now);
        }
    }

    fn of(&self, page: Page) -> &Budget<IpAddr> {
        match page {
            Page::Foreign => &self.foreign,
            Page::Own => &self.addresses,
        }
    }
}

/// Divisor of the budget of an address that gives the budget of its foreign pages.
const FOREIGN_SHARE: u32 = 5;
