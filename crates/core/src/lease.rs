//! The hold that a socket has on the session behind it.

use std::time::SystemTime;

use crate::{BoxError, BoxFuture};

/// Keeps a session alive while its client does something, and tells when it ends.
///
/// An authenticator puts it into its [`Grant`](crate::Grant); all sockets of a session may share one.
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
    /// Notes that the client did something. It is called for every event, so it only notes.
    fn touch(&self, now: SystemTime);

    /// When the session ends if nothing more happens, as far as is known here.
    fn expires_at(&self) -> SystemTime;

    /// Writes down what was noted, if that is due, and asks whether and until when the session lives:
    /// another server may have prolonged or ended it.
    ///
    /// # Errors
    /// - [`LeaseError::Ended`]: the session is over, or gone.
    /// - [`LeaseError::Unavailable`]: the store did not answer.
    ///
    /// # Cancel safety
    /// What was noted is written down by a later call.
    fn renew(&self, now: SystemTime) -> BoxFuture<'_, Result<SystemTime, LeaseError>>;
}

/// Why a session is not known to live on.
///
/// # Examples
/// ```
/// assert_eq!(doorward_core::LeaseError::Ended.to_string(), "the session has ended");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LeaseError {
    /// It is over, or gone.
    #[error("the session has ended")]
    Ended,
    /// The store did not answer.
    #[error("the session store does not answer")]
    Unavailable(#[source] BoxError),
}
