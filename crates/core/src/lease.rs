//! Leases, which keep the session of a socket alive.

use std::time::SystemTime;

use crate::{BoxError, BoxFuture};

/// Keeps a session alive while its client is active, and reports when the session ends.
///
/// An authenticator puts a lease into its [`Grant`](crate::Grant). All sockets of a session may
/// share one lease.
///
/// # Examples
/// ```
/// use std::time::SystemTime;
/// use doorward_core::{BoxFuture, Lease, LeaseError};
///
/// /// A session that ends at a fixed time.
/// struct Until(SystemTime);
///
/// impl Lease for Until {
///     fn touch(&self, _: SystemTime) {}
///     fn expires_at(&self) -> SystemTime { self.0 }
///     fn renew(&self, now: SystemTime) -> BoxFuture<'_, Result<SystemTime, LeaseError>> {
///         let result = if now < self.0 { Ok(self.0) } else { Err(LeaseError::Ended) };
///         Box::pin(std::future::ready(result))
///     }
/// }
/// ```
pub trait Lease: Send + Sync + 'static {
    /// Records activity of the client. The server calls this method for every event, so it must be
    /// cheap and must not contact the session store.
    fn touch(&self, now: SystemTime);

    /// Returns the time at which the session expires if its client shows no further activity, as
    /// far as this server knows.
    fn expires_at(&self) -> SystemTime;

    /// Writes recorded activity to the session store if a write is due. Reads the session again,
    /// because another server may have extended or ended it, and returns the time at which it
    /// expires.
    ///
    /// # Errors
    /// - [`LeaseError::Ended`]: the session has expired or was removed.
    /// - [`LeaseError::Unavailable`]: the store did not answer.
    ///
    /// # Cancel safety
    /// If the future is dropped, a later call writes the recorded activity.
    fn renew(&self, now: SystemTime) -> BoxFuture<'_, Result<SystemTime, LeaseError>>;
}

/// Error of [`Lease::renew`].
///
/// # Examples
/// ```
/// assert_eq!(doorward_core::LeaseError::Ended.to_string(), "the session has ended");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LeaseError {
    /// The session has expired or was removed.
    #[error("the session has ended")]
    Ended,
    /// The store did not answer.
    #[error("the session store does not answer")]
    Unavailable(#[source] BoxError),
}
