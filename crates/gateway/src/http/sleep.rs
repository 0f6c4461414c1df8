//! A timer that is `Sync`, as hyper requires.
//!
//! The boxed future of a clock is `Send` and not `Sync`. A mutex makes it `Sync`. The mutex is
//! never locked, because polling has exclusive access.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use doorward_core::{BoxFuture, Clock};

/// Future that completes at a given time of a clock.
pub(crate) struct Sleep(Mutex<BoxFuture<'static, ()>>);

impl Sleep {
    pub(crate) fn until(clock: &dyn Clock, deadline: Instant) -> Self {
        Self(Mutex::new(clock.sleep_until(deadline)))
    }

    /// Returns a timer that completes after `time`.
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
