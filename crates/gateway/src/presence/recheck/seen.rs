//! Keeps the last lookups of a socket.

use std::time::{Duration, Instant};

/// Time and result of the last lookups of one socket.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    /// Start of the last sweep that looked up the socket. Until then, start of the first sweep that
    /// found the socket in the registry.
    pub(super) asked: Instant,
    /// Time of the last answer about the socket.
    pub(super) answered: Option<Instant>,
    /// Failing lookups of the socket. `None` while they succeed.
    pub(super) failing: Option<Failing>,
}

/// Failing lookups of a socket.
#[derive(Clone, Copy)]
pub(super) struct Failing {
    /// Start of the grace period, after which the socket is ended.
    pub(super) since: Instant,
    pub(super) silent: Silent,
}

/// Part that did not answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Silent {
    /// The issuer of the credential, which says nothing about other sockets.
    Issuer,
    /// The store, about this socket only.
    Socket,
    /// The store, about all sockets.
    Store,
}

impl Seen {
    /// Creates the record of a socket that was found at `now`.
    pub(super) fn new(now: Instant) -> Self {
        Self { asked: now, answered: None, failing: None }
    }

    /// Records a failed lookup that started at `asked`.
    ///
    /// The grace period of the socket starts at the last answer about it, or one `interval` before
    /// this lookup if that is later. So a slow sweep does not shorten the grace period.
    pub(super) fn failed(&mut self, asked: Instant, interval: Duration, silent: Silent) {
        if self.answered.is_some_and(|answered| answered >= asked) {
            return;
        }
        let earliest = asked.checked_sub(interval).unwrap_or(asked);
        let since = self.answered.map_or(earliest, |answered| answered.max(earliest));
        let failing = self.failing.get_or_insert(Failing { since, silent });
        if silent != Silent::Store {
            failing.silent = silent;
        }
    }
}
