//! Turns the panic of a future into a value.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

/// Runs `f` and returns `None` when it panics.
///
/// What panicked is dropped by whoever called this and never used again, so no broken state is seen.
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload: Box<dyn Any + Send>| {
        // The hook of the process has printed the message; a payload may hold anything, so it is
        // not passed on, and dropping it may itself panic.
        let _dropped = catch_unwind(AssertUnwindSafe(|| drop(payload)));
        Panicked
    })
}

/// Drops a value of the application; what it holds may panic at that, and two such panics at once
/// would end the process.
pub(crate) fn drop_quietly<T>(value: T) {
    if catch(|| drop(value)).is_err() {
        tracing::error!("Something of the application panicked while it was dropped.");
    }
}

/// Code of the application panicked.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("code of the application panicked")]
pub(crate) struct Panicked;

pin_project! {
    /// A future whose panic is its value.
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
