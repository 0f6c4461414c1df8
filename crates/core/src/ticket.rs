//! Tickets, which move a session from a socket into a cookie.
//!
//! A socket cannot set a cookie. The server therefore issues a ticket for a session that was
//! created over a socket. The page exchanges the ticket once over HTTP. It also sends a verifier,
//! which proves that it has requested the ticket (as in PKCE, RFC 7636).

use std::time::SystemTime;

use crate::{SessionId, StoreFuture, TicketKey};

/// Record of a ticket.
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
    /// Session for which the page exchanges the ticket.
    pub session: SessionId,
    /// SHA-256 of the verifier, a secret text that the page keeps.
    pub challenge: [u8; 32],
    /// Time at which the ticket expires.
    pub expires_at: SystemTime,
}

crate::debug_fields!(TicketRecord { expires_at });

/// Store of tickets, each of which can be used once.
///
/// # Examples
/// ```
/// use doorward_core::{StoreError, Ticket, TicketStore};
///
/// async fn use_up(store: &dyn TicketStore, ticket: &Ticket) -> Result<bool, StoreError> {
///     Ok(store.take_ticket(&ticket.key()).await?.is_some())
/// }
/// ```
///
/// # Errors
/// All methods fail with [`StoreError::Unavailable`](crate::StoreError::Unavailable) when the store does
/// not answer.
pub trait TicketStore: Send + Sync + 'static {
    /// Stores a ticket under the hash of its secret, at least until the ticket expires.
    ///
    /// # Errors
    /// - [`StoreError::Exists`](crate::StoreError::Exists): the key is taken. Nothing was changed.
    /// - [`StoreError::Full`](crate::StoreError::Full): the store has reached its limit on tickets.
    fn put_ticket<'a>(
        &'a self,
        key: &'a TicketKey,
        ticket: &'a TicketRecord,
    ) -> StoreFuture<'a, ()>;

    /// Removes a ticket and returns it. Yields `None` if there is no such ticket. If several
    /// callers take the same ticket, at the same time or one after the other, exactly one of them
    /// gets it. An expired ticket may still be returned.
    ///
    /// # Cancel safety
    /// If the future is dropped, the ticket may have been removed.
    fn take_ticket<'a>(&'a self, key: &'a TicketKey) -> StoreFuture<'a, Option<TicketRecord>>;
}
