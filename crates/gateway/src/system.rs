//! The real clock and the real randomness: the only place that asks the operating system for either.

use std::time::{Instant, SystemTime};

use doorward_core::{BoxFuture, Clock, Entropy};

/// The clock of the machine.
///
/// # Examples
/// ```
/// use doorward::{Clock, SystemClock};
///
/// assert!(SystemClock.now() <= SystemClock.now());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that is injected elsewhere")]
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock that is injected elsewhere")]
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep_until(deadline.into()))
    }
}

/// The random generator of the operating system.
///
/// # Examples
/// ```
/// use doorward::{OsEntropy, SocketId};
///
/// assert_ne!(SocketId::generate(&OsEntropy), SocketId::generate(&OsEntropy));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}
