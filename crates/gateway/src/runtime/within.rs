//! Time limit of a future, by the clock of the server.

use std::{pin::pin, task::Poll, time::Duration};

use doorward_core::Clock;

/// Waits for a future, for at most `time`. If the future takes longer, it is dropped and `None` is
/// returned.
pub(crate) async fn within<F: Future>(
    clock: &dyn Clock,
    time: Duration,
    future: F,
) -> Option<F::Output> {
    // `tokio::time::timeout` reads the clock of the runtime. Here time comes from `Clock`, so
    // that tests can set it. The future is always polled before the timer:
    // - Most futures are ready at the first poll, so no timer is created for them.
    // - An answer that arrives together with the deadline still counts.
    // So the time starts at the first poll that is pending. A future that blocks its thread is
    // not interrupted, because the timer is only checked when the future yields.
    let mut future = pin!(future);
    let mut timeout = None;
    std::future::poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        let now = clock.now();
        let sleep = || clock.sleep_until(now.checked_add(time).unwrap_or(now + FOREVER));
        timeout.get_or_insert_with(sleep).as_mut().poll(cx).map(|()| None)
    })
    .await
}

/// Time limit in place of one that the clock cannot represent.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);
