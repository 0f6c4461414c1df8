//! Limits how often clients may act.

use std::{borrow::Cow, net::IpAddr, time::Duration};

use doorward_core::{Action, Anonymous, Guard, GuardContext, Refusal, SocketId, UserId, Verdict};

use crate::limits::{addresses::network, budget::Budget};

/// Guard that allows each user, socket or address a number of actions within a time window.
///
/// Used actions become available again one by one, every `window / limit`. After a pause of
/// `window`, a client may use the whole limit at once.
///
/// Every action for which the guard is called counts, except leaving a room. If the guard is on a
/// gateway, these actions are connections, events and joins. In public namespaces, where clients
/// have no user, `per_user` counts by address.
///
/// A client that connects too often is disconnected without a refusal, and reconnects
/// automatically. If other sockets use its link, it is refused instead. A connected client whose
/// action is denied receives `rate_limited` with `retryAfter`.
///
/// Up to a million users, sockets or addresses are counted. If more of them act within one window,
/// all counts are cleared. The alternative would be to deny clients that cannot be counted, and an
/// attacker with many addresses could then lock out all other clients.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use doorward::{event::handle, prelude::*};
///
/// let gateway: Gateway<Claims> = Gateway::at("/")
///     .guard(RateLimit::per_user(100, Duration::from_secs(1)))
///     .on("search", handle(|| async {}).guard(RateLimit::per_socket(2, Duration::from_secs(1))));
/// ```
pub struct RateLimit {
    budget: Budget<Key>,
    per: Per,
    limit: u32,
    window: Duration,
}

#[derive(Clone, Copy, Debug)]
enum Per {
    Address,
    Socket,
    User,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Address(Option<IpAddr>),
    Socket(SocketId),
    User(UserId),
}

impl RateLimit {
    /// Allows each IP address `limit` actions per `window`. An IPv6 address counts by its first 64
    /// bits.
    ///
    /// # Panics
    /// Panics if `limit` or `window / limit` is zero.
    #[must_use]
    pub fn per_address(limit: u32, window: Duration) -> Self {
        Self::new(Per::Address, limit, window)
    }

    /// Allows each socket `limit` actions per `window`.
    ///
    /// # Panics
    /// Panics if `limit` or `window / limit` is zero.
    #[must_use]
    pub fn per_socket(limit: u32, window: Duration) -> Self {
        Self::new(Per::Socket, limit, window)
    }

    /// Allows each user `limit` actions per `window`, over all sockets of the user. Anonymous
    /// clients are counted by address.
    ///
    /// # Panics
    /// Panics if `limit` or `window / limit` is zero.
    #[must_use]
    pub fn per_user(limit: u32, window: Duration) -> Self {
        Self::new(Per::User, limit, window)
    }

    fn new(per: Per, limit: u32, window: Duration) -> Self {
        Self { budget: Budget::within(window, limit, MAX_KEYS), per, limit, window }
    }

    fn key<P>(&self, context: &GuardContext<'_, P>) -> Key {
        // All anonymous clients have the same user. If they shared one limit, a single client could
        // use it up for all of them. An anonymous client counts by its address.
        let is_anonymous = context.user.as_str() == Anonymous::USER;
        match self.per {
            Per::Socket => Key::Socket(context.socket),
            Per::User if !is_anonymous => Key::User(context.user.clone()),
            Per::Address | Per::User => {
                Key::Address(context.request.peer().map(|peer| network(peer.ip())))
            }
        }
    }
}

impl<P: Sync> Guard<P> for RateLimit {
    const AT_ONCE: bool = true;

    async fn check(&self, context: GuardContext<'_, P>) -> Verdict {
        // A client can always leave a room.
        if matches!(context.action, Action::Leave(_)) {
            return Verdict::Allow;
        }
        match self.budget.take(&self.key(&context), context.now) {
            Ok(()) => Verdict::Allow,
            Err(wait) => Verdict::Deny(Refusal::too_many_attempts(wait)),
        }
    }

    fn name(&self) -> Cow<'static, str> {
        let per = match self.per {
            Per::Address => "address",
            Per::Socket => "socket",
            Per::User => "user",
        };
        format!("{} per {per} in {:?}", self.limit, self.window).into()
    }
}

doorward_core::debug_fields!(RateLimit { per, limit, window });

/// Maximum number of users, sockets or addresses that are counted.
const MAX_KEYS: usize = 1_000_000;
