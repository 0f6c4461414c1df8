//! Where time and randomness come from.
//!
//! Nothing in the project reads a clock or the random device by itself: both are injected, so that
//! every timeout and race can be tested without waiting. The real ones live in the framework crate,
//! the controllable ones in the test kit.

use std::time::{Instant, SystemTime};

use crate::BoxFuture;

/// Tells the time, in both senses, and waits.
///
/// `wall` is compared with times that others wrote (token expiry); `now` measures how long something
/// takes and never jumps.
///
/// # Examples
/// ```
/// use std::time::{Instant, SystemTime};
/// use doorward_core::{BoxFuture, Clock};
///
/// /// A clock that stands still.
/// struct Stopped(Instant);
///
/// impl Clock for Stopped {
///     fn wall(&self) -> SystemTime { SystemTime::UNIX_EPOCH }
///     fn now(&self) -> Instant { self.0 }
///     fn sleep_until(&self, _: Instant) -> BoxFuture<'static, ()> { Box::pin(std::future::pending()) }
/// }
/// ```
pub trait Clock: Send + Sync + 'static {
    /// The time of day. It may jump when an operator or NTP sets it.
    fn wall(&self) -> SystemTime;

    /// The monotonic time.
    fn now(&self) -> Instant;

    /// Completes when [`Clock::now`] has reached `deadline`.
    ///
    /// # Cancel safety
    /// Dropping the future forgets the wait and nothing else.
    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()>;
}

/// Gives bytes that nobody can guess.
///
/// # Examples
/// ```
/// use doorward_core::{Entropy, SocketId};
///
/// /// Predictable: for tests only.
/// struct Fixed;
/// impl Entropy for Fixed {
///     fn fill(&self, bytes: &mut [u8]) { bytes.fill(7) }
/// }
///
/// assert_eq!(SocketId::generate(&Fixed), SocketId::generate(&Fixed));
/// ```
pub trait Entropy: Send + Sync + 'static {
    /// Fills `bytes` with random data from a cryptographically secure source.
    ///
    /// # Panics
    /// An implementation that cannot provide randomness panics: an id that can be guessed would be
    /// worse than no answer.
    fn fill(&self, bytes: &mut [u8]);
}
