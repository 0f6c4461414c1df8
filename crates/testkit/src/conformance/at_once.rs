//! Runs tasks that start at the same moment, and drops futures half-way.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use tokio::{sync::Barrier, task::JoinSet};

/// Runs `task` once for each number below `count`, with the number and a clone of `shared`. All tasks start at the
/// same moment. Returns their results in the order of the numbers.
///
/// # Panics
/// If one of the tasks panics.
pub(super) async fn at_once<S, T, F>(
    count: usize,
    shared: &S,
    task: impl Fn(S, usize) -> F,
) -> Vec<T>
where
    S: Clone,
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(count));
    let mut tasks = JoinSet::new();
    for number in 0..count {
        let (barrier, work) = (barrier.clone(), task(shared.clone(), number));
        tasks.spawn(async move {
            barrier.wait().await;
            (number, work.await)
        });
    }
    let mut results = tasks.join_all().await;
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Polls a future up to `polls` times, and then drops it.
pub(super) async fn abandon<T>(polls: usize, future: impl Future<Output = T>) {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Pending if left > 0 => Poll::Pending,
            Poll::Pending | Poll::Ready(_) => Poll::Ready(()),
        }
    })
    .await;
}
