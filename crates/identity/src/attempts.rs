//! Limits attempts, so that no client can cause unbounded work.
//!
//! Each network and each authenticated user has a budget. User names have no budget, because any client can name any
//! user. Start reading at [`Attempts`].

use std::net::IpAddr;

use doorward::{__private::Budget, UserId};

/// Budgets for the attempts to sign in and to change an account.
pub(crate) struct Attempts {
    /// Starts of ceremonies, by network.
    pub(crate) ceremonies: Budget<IpAddr>,
    /// Redemptions of tickets, by network.
    pub(crate) tickets: Budget<IpAddr>,
    /// Attempts with a recovery code, by network.
    ///
    /// A user name has no budget. An attacker who guesses codes could use it up, and the owner of the account would be
    /// rejected. A budget is not needed either. Ten of the 2^80 codes are valid, and `Hasher` checks fewer than 100
    /// codes per second for all clients together, so guessing a valid code takes 10^13 years on average.
    pub(crate) codes_tried: Budget<IpAddr>,
    /// Creations of recovery codes, by user. Only the user can use up this budget.
    pub(crate) codes_made: Budget<UserId>,
    /// Starts of adding a passkey, by user. Only the user can use up this budget.
    pub(crate) passkeys_added: Budget<UserId>,
}

impl Attempts {
    pub(crate) fn new() -> Self {
        Self {
            ceremonies: Budget::new(BEGUN_A_MINUTE),
            tickets: Budget::new(BEGUN_A_MINUTE),
            codes_tried: Budget::new(CODES_A_MINUTE),
            codes_made: Budget::new(MADE_A_MINUTE),
            passkeys_added: Budget::new(ADDED_A_MINUTE),
        }
    }
}

/// Maximum number of started ceremonies, and of redeemed tickets, per minute and network. It is enough for an office
/// behind one address whose users sign in at the same time.
const BEGUN_A_MINUTE: u32 = 120;

/// Maximum number of attempts with a recovery code, per minute and network. Each attempt costs as much as a password
/// check, and a person needs only one.
const CODES_A_MINUTE: u32 = 10;

/// Maximum number of starts of adding a passkey, per minute and user. Each start stores the ids of all passkeys of the
/// account, up to 20 KB, for five minutes.
const ADDED_A_MINUTE: u32 = 20;

/// Maximum number of creations of recovery codes, per minute and user. A creation costs ten times as much as an attempt
/// with a code, and a person needs only one set.
const MADE_A_MINUTE: u32 = 6;
