//! Exchanges tickets for sessions.
//!
//! A socket cannot set a cookie. A client that signs in on a socket gets a ticket, and its page
//! exchanges the ticket once over HTTP. The page proves with a verifier that it requested the
//! ticket, so a ticket that was intercepted or planted is useless (as with PKCE, RFC 7636).
//! Start reading at [`Tickets::redeem`].

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use doorward_core::{
    BoxError, Session, SessionId, SessionToken, StoreError, Ticket, TicketRecord, TicketStore,
};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::session::sessions::{Sessions, error::VerifySessionError};

/// Issues and redeems tickets. A ticket is valid once, for 30 seconds.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use doorward_auth::{MemoryStore, Sessions, Tickets};
/// use doorward_core::{SessionId, SessionToken};
///
/// async fn exchange(
///     sessions: Arc<Sessions>,
///     session: &SessionId,
///     challenge: [u8; 32],
///     verifier: &str,
/// ) -> Result<SessionToken, Box<dyn std::error::Error>> {
///     let tickets = Tickets::new(Arc::new(MemoryStore::default()), sessions);
///
///     let (ticket, _expires_at) = tickets.issue(session, challenge).await?;
///     let (token, _session) = tickets.redeem(&ticket, verifier).await?;
///     Ok(token)
/// }
/// ```
pub struct Tickets {
    store: Arc<dyn TicketStore>,
    sessions: Arc<Sessions>,
}

impl Tickets {
    /// Makes the service, with the clock and the randomness of `sessions`.
    #[must_use]
    pub fn new(store: Arc<dyn TicketStore>, sessions: Arc<Sessions>) -> Self {
        Self { store, sessions }
    }

    /// Issues a ticket for a session, and returns it with its time of expiry. `challenge` is the
    /// SHA-256 of the verifier that the page keeps.
    ///
    /// # Errors
    /// - [`StoreError::Full`]: too many tickets are outstanding.
    /// - [`StoreError::Unavailable`]: the store did not answer.
    pub async fn issue(
        &self,
        session: &SessionId,
        challenge: [u8; 32],
    ) -> Result<(Ticket, SystemTime), StoreError> {
        let now = self.sessions.clock.wall();
        let expires_at = now.checked_add(LIFETIME).unwrap_or(now);
        let ticket = Ticket::generate(&*self.sessions.entropy);
        let record = TicketRecord { session: session.clone(), challenge, expires_at };
        self.store.put_ticket(&ticket.key(), &record).await?;
        Ok((ticket, expires_at))
    }

    /// Exchanges a ticket for its session and a new session token. Previous tokens of the session
    /// become invalid. `verifier` is hashed as the client sent it, byte for byte.
    ///
    /// # Errors
    /// Send the client the same answer for all of these except the last.
    /// - [`RedeemError::Unknown`]: the ticket does not exist, or was used.
    /// - [`RedeemError::Expired`]: the ticket has expired.
    /// - [`RedeemError::Verifier`]: the client is not the one that requested the ticket.
    /// - [`RedeemError::Session`]: the session has ended.
    /// - [`RedeemError::Unavailable`]: a store did not answer.
    ///
    /// # Cancel safety
    /// A dropped future may have used up the ticket.
    ///
    /// # Security
    /// Every attempt uses up the ticket, even a failed one, so a verifier cannot be guessed.
    pub async fn redeem(
        &self,
        ticket: &Ticket,
        verifier: impl AsRef<[u8]>,
    ) -> Result<(SessionToken, Session), RedeemError> {
        let proof: [u8; 32] = Sha256::digest(verifier).into();
        // Taken before any check: of concurrent attempts only one receives the record.
        let record = self.store.take_ticket(&ticket.key()).await?.ok_or(RedeemError::Unknown)?;
        if record.expires_at <= self.sessions.clock.wall() {
            return Err(RedeemError::Expired);
        }
        if !bool::from(proof.ct_eq(&record.challenge)) {
            return Err(RedeemError::Verifier);
        }
        Ok(self.sessions.renew_token(&record.session, false).await?)
    }
}

doorward_core::debug_fields!(Tickets {});

/// Error of redeeming a ticket.
///
/// # Examples
/// ```
/// assert_eq!(doorward_auth::RedeemError::Unknown.to_string(), "no such ticket");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedeemError {
    /// The ticket has expired.
    #[error("the ticket has expired")]
    Expired,
    /// The session of the ticket has ended.
    #[error("the session of the ticket has ended")]
    Session(#[source] VerifySessionError),
    /// A store did not answer, so no token was issued. The ticket may be used up.
    #[error("the ticket store or the session store did not answer")]
    Unavailable(#[source] BoxError),
    /// The ticket does not exist, or was used.
    #[error("no such ticket")]
    Unknown,
    /// The verifier does not match the challenge.
    #[error("the verifier does not match")]
    Verifier,
}

impl From<StoreError> for RedeemError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<VerifySessionError> for RedeemError {
    fn from(error: VerifySessionError) -> Self {
        match error {
            VerifySessionError::Unavailable(cause) => Self::Unavailable(cause),
            ended => Self::Session(ended),
        }
    }
}

/// Lifetime of a ticket. The page redeems it immediately.
const LIFETIME: Duration = Duration::from_secs(30);
