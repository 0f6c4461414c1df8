//! Limits attempts to connect, by address and by user.
//!
//! A guess is a credential that is refused, such as a forged token. Each guess is charged to the
//! budget of its address, which is checked before any cryptography. Expired and missing credentials
//! are not guesses. So an office whose tokens expire together does not use up its budget, and
//! neither does a page that opens sockets in the browsers of its visitors. Guesses from pages of
//! other hosts have a separate, smaller budget.
//!
//! When the budget of an address is used up, its clients are refused before their credential is
//! checked. Exceptions are recognised credentials, which can be verified locally, such as signed
//! tokens. If a recognised credential is refused, a budget of its user is charged. Without a known
//! address there is no budget, because all clients would share it.
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

/// Budgets of a server for attempts to connect.
pub(crate) struct Attempts {
    /// Budgets of addresses for all other guesses.
    addresses: Budget<IpAddr>,
    /// Budgets of addresses for guesses from pages of other hosts.
    foreign: Budget<IpAddr>,
    /// Budgets for recognised credentials that were refused, by address and user. They apply once
    /// the budget of the address is used up.
    recognised: Budget<(IpAddr, UserId)>,
    /// Authenticated attempts of each user.
    pub(crate) users: Budget<UserId>,
}

impl Attempts {
    /// Creates budgets of `refusals` guesses per minute for each address, and of `attempts`
    /// attempts per minute for each user.
    pub(crate) fn new(refusals: u32, attempts: u32) -> Self {
        Self {
            addresses: Budget::new(refusals),
            foreign: Budget::new(refusals / FOREIGN_SHARE),
            recognised: Budget::new(attempts),
            users: Budget::new(attempts),
        }
    }

    /// Checks that the budget of an address is not used up. The error is the time to wait. A client
    /// without a known address always passes.
    pub(crate) fn check_address(
        &self,
        address: Option<IpAddr>,
        page: Page,
        now: Instant,
    ) -> Result<(), Duration> {
        address.map_or(Ok(()), |address| self.of(page).check(&network(address), now))
    }

    /// Checks that the budget of an address and user for refused, recognised credentials is not
    /// used up. The error is the time to wait. A client without a known address always passes.
    pub(crate) fn check_recognised(
        &self,
        address: Option<IpAddr>,
        user: &UserId,
        now: Instant,
    ) -> Result<(), Duration> {
        let key = address.map(|address| (network(address), user.clone()));
        key.map_or(Ok(()), |key| self.recognised.check(&key, now))
    }

    /// Counts a recognised credential of the user that was refused.
    pub(crate) fn recognised_refused(&self, address: Option<IpAddr>, user: UserId, now: Instant) {
        if let Some(address) = address {
            self.recognised.spend(&(network(address), user), now);
        }
    }

    /// Charges a refusal to the budget of the address, if the refused credential was a guess. A
    /// token that has expired, or that may be older than a revocation, is not a guess.
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
                    | RefusalReason::TokenInactive
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

/// The budget for pages of other hosts is the budget of the address, divided by this number.
const FOREIGN_SHARE: u32 = 5;
