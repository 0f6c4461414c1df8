//! Turns panics of application code into values.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

/// Runs `f`, and returns [`Panicked`] if it panics.
// `AssertUnwindSafe` is correct for both kinds of code that `f` runs. Futures, streams and other
// values that panicked are dropped by the caller and not used again. Guards, filters and sinks are
// called again, but with `&self` they can leave only locks and cells of their own in a bad state.
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload: Box<dyn Any + Send>| {
        // The panic hook has printed the message. The payload may be of any type, so it is not
        // passed on, and dropping it may panic again.
        let _dropped = catch_unwind(AssertUnwindSafe(|| drop(payload)));
        Panicked
    })
}

/// Drops a value of the application, and catches a panic of its destructor. A second panic during
/// unwinding would abort the process.
pub(crate) fn drop_quietly<T>(value: T) {
    if catch(|| drop(value)).is_err() {
        tracing::error!("A value of the application panicked while it was dropped.");
    }
}

/// Error for code of the application that panicked.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("code of the application panicked")]
pub(crate) struct Panicked;

pin_project! {
    /// Future that returns a panic as an error.
    pub(crate) struct Caught<F> {
        #[pin]
        future: F,
    }
}

impl<F> Caught<F> {
    pub(crate) fn new(future: F) -> Self {
        Self { future }
    }
}

impl<F: Future> Future for Caught<F> {
    type Output = Result<F::Output, Panicked>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let future = self.project().future;
        match catch(|| future.poll(cx)) {
            Ok(poll) => poll.map(Ok),
            Err(panicked) => Poll::Ready(Err(panicked)),
        }
    }
}
