//! Calls the hook that lets an application delete the data of a removed account.

use std::{fmt, future::Future, time::Duration};

use doorward::{BoxError, UserId, server::Clock, store::BoxFuture};

/// The hook of an application.
pub(crate) struct Farewell(
    Box<dyn Fn(UserId) -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync>,
);

impl Farewell {
    pub(crate) fn new<F, Fut>(hook: F) -> Self
    where
        F: Fn(UserId) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        Self(Box::new(move |user| Box::pin(hook(user))))
    }

    pub(crate) async fn bid(&self, user: &UserId, clock: &dyn Clock) -> Result<(), BoxError> {
        tokio::select! {
            done = (self.0)(user.clone()) => done,
            () = clock.sleep_until(clock.now() + TIMEOUT) => Err("it did not answer in time".into()),
        }
    }
}

impl fmt::Debug for Farewell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Farewell")
    }
}

/// Timeout of the hook. After that the removal fails and nothing is removed.
const TIMEOUT: Duration = Duration::from_secs(10);
