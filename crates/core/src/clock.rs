//! Sources of time and randomness.
//!
//! No crate of the project reads a clock or a random device directly. Both are injected, so that every
//! timeout and race can be tested without waiting. The real implementations are in the crate `doorward`.
//! Tests use a [`ManualClock`](crate::ManualClock).

use std::time::{Instant, SystemTime};

use crate::BoxFuture;

/// Source of wall time, monotonic time and timers.
///
/// Compare `wall` with times set by other programs, such as the expiry of a token. Measure
/// durations with `now`, because it never jumps.
///
/// # Examples
/// ```
/// use std::time::{Instant, SystemTime};
/// use doorward_core::{BoxFuture, Clock};
///
/// /// A clock that never advances.
/// struct Stopped(Instant);
///
/// impl Clock for Stopped {
///     fn wall(&self) -> SystemTime { SystemTime::UNIX_EPOCH }
///     fn now(&self) -> Instant { self.0 }
///     fn sleep_until(&self, _: Instant) -> BoxFuture<'static, ()> { Box::pin(std::future::pending()) }
/// }
/// ```
pub trait Clock: Send + Sync + 'static {
    /// Returns the wall-clock time. It jumps when an operator or NTP sets the clock.
    fn wall(&self) -> SystemTime;

    /// Returns the monotonic time.
    fn now(&self) -> Instant;

    /// Waits until [`Clock::now`] has reached `deadline`.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the wait and has no other effect.
    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()>;
}

/// Source of bytes that cannot be guessed.
///
/// # Examples
/// ```
/// use doorward_core::{Entropy, SocketId};
///
/// /// Predictable, for tests only.
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
    /// Panics if no randomness is available, because an id that can be guessed would be worse.
    fn fill(&self, bytes: &mut [u8]);
}
