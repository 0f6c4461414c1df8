//! Bounds attempts to connect, by address and by user.
//!
//! An address pays for guesses, and is checked before any cryptography. Expired credentials and clients that show
//! none are no guesses: neither an office whose tokens expire together nor a page that opens sockets in its
//! visitors' browsers uses the budget up. Guesses from pages of other hosts have a smaller budget of their own.
//!
//! When the budget of an address is used up, its clients are refused without a look at their credential, unless it
//! is recognised by itself, such as a signed token. A recognised credential that is refused after that costs its
//! user. Where the address is unknown there is no budget, because all clients would share it.
//!
//! A user pays for every authenticated attempt, which bounds a client that connects in a loop.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use doorward_core::{Refusal, RefusalCode, RefusalReason, UserId};

use crate::{
    limits::{addresses::network, budget::Budget},
    peer::page::Page,
};

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

    /// Returns how long the user has to wait, when its budget is used up.
    pub(crate) fn check_user(&self, user: &UserId, now: Instant) -> Result<(), Duration> {
        self.users.check(user, now)
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
