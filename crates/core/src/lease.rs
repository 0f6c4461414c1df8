//! Leases, which keep the session of a socket alive.

use std::time::SystemTime;

use crate::{BoxError, BoxFuture, DisconnectReason};

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
///     fn expires_at(&self) -> Option<SystemTime> { Some(self.0) }
///     fn renew(&self, now: SystemTime) -> BoxFuture<'_, Result<(), LeaseError>> {
///         let result = if now < self.0 { Ok(()) } else { Err(LeaseError::Ended) };
///         Box::pin(std::future::ready(result))
///     }
/// }
/// ```
pub trait Lease: Send + Sync + 'static {
    /// Records activity of the client. The server calls this method for every event, so it must be
    /// cheap and must not contact the session store.
    fn touch(&self, now: SystemTime);

    /// Returns the time at which the session expires if its client shows no further activity, as
    /// far as this server knows. Returns `None` if only [`renew`](Self::renew) reports its end.
    fn expires_at(&self) -> Option<SystemTime>;

    /// Writes recorded activity to the session store if a write is due. Reads the session again,
    /// because another server may have extended or ended it. [`expires_at`](Self::expires_at) then
    /// returns its new end. The server calls this method for each socket at each sweep
    /// (`Limits::sweep_interval`), and when the session seems to have expired.
    ///
    /// # Errors
    /// - [`LeaseError::Ended`]: the session has expired or was removed.
    /// - [`LeaseError::Outdated`]: the client has to show its credential again. If the socket is the
    ///   only one of its link, the link closes, and a stock client reconnects. Otherwise the socket
    ///   receives a DISCONNECT, after which a stock client does not reconnect.
    /// - [`LeaseError::Issuer`], [`LeaseError::Unavailable`]: the issuer or the store did not answer.
    ///   The socket ends if this lasts for `Limits::store_grace`.
    ///
    /// # Cancel safety
    /// If the future is dropped, a later call writes the recorded activity.
    fn renew(&self, now: SystemTime) -> BoxFuture<'_, Result<(), LeaseError>>;
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
    /// The credential would be judged anew: it or the rules for it have changed since the client has
    /// shown it.
    #[error("the credential has to be shown again")]
    Outdated,
    /// The issuer of the credential did not answer. Other sockets are not affected.
    #[error("the issuer of the credential does not answer")]
    Issuer(#[source] BoxError),
    /// The store did not answer.
    #[error("the session store does not answer")]
    Unavailable(#[source] BoxError),
}

impl LeaseError {
    /// Returns the reason with which the socket ends.
    #[must_use]
    pub const fn reason(&self) -> DisconnectReason {
        match self {
            Self::Ended => DisconnectReason::SessionExpired,
            Self::Outdated => DisconnectReason::CredentialOutdated,
            Self::Issuer(_) | Self::Unavailable(_) => DisconnectReason::Unavailable,
        }
    }
}
