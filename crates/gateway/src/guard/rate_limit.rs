//! Counts, and says no when it is too much.
//!
//! The counting is `governor`'s (GCRA: one time stamp for each key). It takes its time from the
//! question, so that it runs on the server's clock.

use std::{
    borrow::Cow,
    cell::Cell,
    fmt,
    net::IpAddr,
    num::NonZeroU32,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use doorward_core::{Action, Anonymous, Guard, GuardContext, Refusal, SocketId, UserId, Verdict};
use governor::{
    Quota, RateLimiter, clock::Clock, middleware::NoOpMiddleware, nanos::Nanos,
    state::keyed::HashMapStateStore,
};

use crate::limits::addresses::network;

/// Lets through so many actions in so much time, for each user, socket or address; the burst may be
/// as large as the number.
///
/// Every action that it is asked about counts, but leaving a room: on a gateway these are connections,
/// events and joins. In public namespaces a user is an address.
/// A client that connects too often is turned away for a while, and comes back by itself; one that is in
/// reads `rate_limited`, with `retryAfter`.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use doorward::{handle, prelude::*};
///
/// let gateway: Gateway<Claims> = Gateway::at("/")
///     .guard(RateLimit::per_user(100, Duration::from_secs(1)))
///     .on("search", handle(|| async {}).guard(RateLimit::per_socket(2, Duration::from_secs(1))));
/// # drop(gateway);
/// ```
pub struct RateLimit {
    limiter: RateLimiter<Key, HashMapStateStore<Key>, Asked, NoOpMiddleware<Nanos>>,
    per: Per,
    limit: u32,
    window: Duration,
    /// What the limiter counts its time from.
    start: OnceLock<Instant>,
    checks: AtomicUsize,
    /// There were too many keys when they were last counted.
    is_full: AtomicBool,
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
    /// Counts for each network address. An IPv6 address counts by its first 64 bits.
    ///
    /// # Panics
    /// When `limit` or `window` is zero.
    #[must_use]
    pub fn per_address(limit: u32, window: Duration) -> Self {
        Self::new(Per::Address, limit, window)
    }

    /// Counts for each socket.
    ///
    /// # Panics
    /// When `limit` or `window` is zero.
    #[must_use]
    pub fn per_socket(limit: u32, window: Duration) -> Self {
        Self::new(Per::Socket, limit, window)
    }

    /// Counts for each user, over all of their sockets.
    ///
    /// # Panics
    /// When `limit` or `window` is zero.
    #[must_use]
    pub fn per_user(limit: u32, window: Duration) -> Self {
        Self::new(Per::User, limit, window)
    }

    fn new(per: Per, limit: u32, window: Duration) -> Self {
        // The limiter begins to count now, which is the zero of its own time.
        ASKED_AT.set(Duration::ZERO);
        let burst = NonZeroU32::new(limit).expect("a rate limit lets something through");
        let quota = Quota::with_period(window / limit).expect("a rate limit needs some time");
        Self {
            limiter: RateLimiter::new(
                quota.allow_burst(burst),
                HashMapStateStore::default(),
                Asked(()),
            ),
            per,
            limit,
            window,
            start: OnceLock::new(),
            checks: AtomicUsize::new(0),
            is_full: AtomicBool::new(false),
        }
    }

    fn key<P>(&self, context: &GuardContext<'_, P>) -> Key {
        match self.per {
            Per::Address => Key::Address(context.request.peer().map(|peer| network(peer.ip()))),
            Per::Socket => Key::Socket(context.socket),
            // Strangers share a name, and must not share what one of them has used up.
            Per::User if context.user.as_str() == Anonymous::USER => {
                Key::Address(context.request.peer().map(|peer| network(peer.ip())))
            }
            Per::User => Key::User(context.user.clone()),
        }
    }

    /// Returns how long to wait when it was too much.
    fn count(&self, key: &Key, now: Instant) -> Result<(), Duration> {
        let start = *self.start.get_or_init(|| now);
        ASKED_AT.set(now.saturating_duration_since(start));
        if self.checks.fetch_add(1, Ordering::Relaxed).is_multiple_of(CHECKS_BETWEEN_SWEEPS) {
            // Who has not been seen for a window counts like somebody new.
            self.limiter.retain_recent();
            self.is_full.store(self.limiter.len() > MAX_KEYS, Ordering::Relaxed);
        }
        if self.is_full.load(Ordering::Relaxed) {
            return Err(self.window);
        }
        self.limiter.check_key(key).map_err(|over| over.wait_time_from(Asked(()).now()))
    }
}

impl<P: Sync> Guard<P> for RateLimit {
    const AT_ONCE: bool = true;

    async fn check(&self, context: GuardContext<'_, P>) -> Verdict {
        // Nobody is kept in a room by a count.
        if matches!(context.action, Action::Leave(_)) {
            return Verdict::Allow;
        }
        match self.count(&self.key(&context), context.now) {
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

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("per", &self.per)
            .field("limit", &self.limit)
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}

/// The time at which the question that is being answered was asked.
#[derive(Clone, Copy, Debug)]
struct Asked(());

impl Clock for Asked {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        ASKED_AT.get().into()
    }
}

thread_local! {
    /// Set before each count, which does not wait in between.
    static ASKED_AT: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// How many checks there are between two looks for keys that can be forgotten.
const CHECKS_BETWEEN_SWEEPS: usize = 4096;

/// More than this many users, sockets or addresses at once are not counted but turned away.
const MAX_KEYS: usize = 1_000_000;
