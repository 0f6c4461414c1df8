//! Calls the hook that lets an application delete the data of a removed account.

use std::time::Duration;

use doorward::{BoxError, UserId, server::Clock, store::BoxFuture};

/// Hook of [`IdentityBuilder::on_account_removed`](crate::IdentityBuilder::on_account_removed).
pub(crate) struct Farewell(
    pub(crate) Box<dyn Fn(UserId) -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync>,
);

impl Farewell {
    /// Calls the hook. Fails if the hook fails, or if it takes longer than [`TIMEOUT`].
    pub(crate) async fn bid(&self, user: &UserId, clock: &dyn Clock) -> Result<(), BoxError> {
        tokio::select! {
            done = (self.0)(user.clone()) => done,
            () = clock.sleep_until(clock.now() + TIMEOUT) => Err("it did not answer in time".into()),
        }
    }
}

/// Time limit of the hook. If the hook exceeds it, the removal fails and the account stays disabled.
const TIMEOUT: Duration = Duration::from_secs(10);
