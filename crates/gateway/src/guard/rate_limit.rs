//! Limits how often clients may act.
//!
//! The crate `governor` counts, by the generic cell rate algorithm: it keeps one time stamp for each
//! key. Its clock takes no argument, but this guard must run on the clock of the server, which each
//! question carries as `now`. So the time is put into a thread-local variable before each count, and
//! [`Asked`] reads it there. That is safe because a count never waits in between.

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

/// Allows a number of actions within a time, for each user, socket or address. After a pause all of
/// them may come at once; each one is available again after its share of the time.
///
/// Every action for which the guard is called counts, except leaving a room. On a gateway these are
/// connections, events and joins. In public namespaces, where clients have no user, `per_user` counts
/// by address.
///
/// A client that connects too often is disconnected without a refusal, and reconnects by itself. A
/// connected client reads `rate_limited` with `retryAfter`.
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
    limiter: RateLimiter<Key, HashMapStateStore<Key>, Asked, NoOpMiddleware<Nanos>>,
    per: Per,
    limit: u32,
    window: Duration,
    /// Zero of the limiter's time: the moment of the first check.
    start: OnceLock<Instant>,
    /// Number of checks, to sweep the keys every [`CHECKS_BETWEEN_SWEEPS`].
    checks: AtomicUsize,
    /// The last sweep left more than [`MAX_KEYS`] keys.
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
        // The limiter reads its clock once when it is created, and this thread may still hold the
        // time of another limiter.
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
            // All anonymous clients have the same user. If they shared its limit, one client could
            // use it up for all.
            Per::User if context.user.as_str() == Anonymous::USER => {
                Key::Address(context.request.peer().map(|peer| network(peer.ip())))
            }
            Per::User => Key::User(context.user.clone()),
        }
    }

    /// Counts one action.
    ///
    /// # Errors
    /// The limit is reached; the value is the time to wait.
    fn count(&self, key: &Key, now: Instant) -> Result<(), Duration> {
        let start = *self.start.get_or_init(|| now);
        ASKED_AT.set(now.saturating_duration_since(start));
        if self.checks.fetch_add(1, Ordering::Relaxed).is_multiple_of(CHECKS_BETWEEN_SWEEPS) {
            // A key that was idle for the whole window counts like a new one, so it can be forgotten.
            self.limiter.retain_recent();
            self.is_full.store(self.limiter.len() > MAX_KEYS, Ordering::Relaxed);
        }
        // Addresses are cheap for an attacker who has a large IPv6 network. Without a bound, each
        // would take memory for the length of the window.
        if self.is_full.load(Ordering::Relaxed) {
            return Err(self.window);
        }
        self.limiter.check_key(key).map_err(|over| over.wait_time_from(Asked(()).now()))
    }
}

impl<P: Sync> Guard<P> for RateLimit {
    const AT_ONCE: bool = true;

    async fn check(&self, context: GuardContext<'_, P>) -> Verdict {
        // A client can always leave a room.
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

/// Clock of the limiter: returns the time of the question that is being answered.
#[derive(Clone, Copy, Debug)]
struct Asked(());

impl Clock for Asked {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        ASKED_AT.get().into()
    }
}

thread_local! {
    /// Time since `start` of the current question. It is set immediately before each count.
    static ASKED_AT: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Number of checks between two sweeps that drop idle keys. A sweep takes time for every key, so it
/// is not done at each check.
const CHECKS_BETWEEN_SWEEPS: usize = 4096;

/// Number of users, sockets or addresses above which every action is denied, until a sweep finds
/// fewer.
const MAX_KEYS: usize = 1_000_000;
