//! Tickets: how a session gets from a socket into a cookie.
//!
//! A socket cannot set a cookie. What was signed in there waits behind a ticket, which the page
//! exchanges once over HTTP, proving with a verifier that it is the one that asked.

use std::{fmt, time::SystemTime};

use crate::{BoxFuture, SessionId, StoreError, TicketKey};

/// What is behind a ticket.
///
/// # Examples
/// ```
/// use std::time::SystemTime;
/// use doorward_core::{SessionId, TicketRecord};
///
/// let record = TicketRecord {
///     session: SessionId::new("s-1"),
///     challenge: [0; 32],
///     expires_at: SystemTime::UNIX_EPOCH,
/// };
/// assert!(!format!("{record:?}").contains("s-1"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct TicketRecord {
    /// The session that waits.
    pub session: SessionId,
    /// SHA-256 of the verifier that the page keeps.
    pub challenge: [u8; 32],
    /// When it is good no more.
    pub expires_at: SystemTime,
}

impl fmt::Debug for TicketRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TicketRecord").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Keeps tickets until they are used, once.
///
/// # Examples
/// ```
/// use doorward_core::{StoreError, Ticket, TicketStore};
///
/// async fn use_up(store: &dyn TicketStore, ticket: &Ticket) -> Result<bool, StoreError> {
///     Ok(store.take_ticket(&ticket.key()).await?.is_some())
/// }
/// # drop(use_up);
/// ```
///
/// # Errors
/// All methods fail with [`StoreError::Unavailable`] when the store does not answer.
pub trait TicketStore: Send + Sync + 'static {
    /// Keeps a ticket until it expires.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when the key is taken; then nothing was changed.
    fn put_ticket<'a>(
        &'a self,
        key: &'a TicketKey,
        ticket: &'a TicketRecord,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Takes a ticket out: of all who ask for it, at the same time or later, one gets it. One that has
    /// expired may still be given out.
    ///
    /// # Cancel safety
    /// A future that is dropped may have taken the ticket.
    fn take_ticket<'a>(
        &'a self,
        key: &'a TicketKey,
    ) -> BoxFuture<'a, Result<Option<TicketRecord>, StoreError>>;
}
