//! A wait that may be shared between threads.
//!
//! hyper asks for `Sync`, which the boxed future of a clock is not; the lock is never contended.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use doorward_core::{BoxFuture, Clock};

/// Completes at its moment.
pub(crate) struct Sleep(Mutex<BoxFuture<'static, ()>>);

impl Sleep {
    pub(crate) fn until(clock: &dyn Clock, deadline: Instant) -> Self {
        Self(Mutex::new(clock.sleep_until(deadline)))
    }

    /// As `until`, so long from now.
    pub(crate) fn of(clock: &dyn Clock, time: Duration) -> Self {
        Self::until(clock, clock.now() + time)
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        pin!(sleep).poll(cx)
    }
}

impl hyper::rt::Sleep for Sleep {}
