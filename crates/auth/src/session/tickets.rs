//! Exchanges tickets for sessions.
//!
//! A socket cannot set a cookie. A page that signs its user in over a socket therefore receives a
//! ticket, and exchanges the ticket once over HTTP for the session cookie. The page also sends a
//! verifier, which proves that it has requested the ticket. A ticket that an attacker intercepts or
//! plants is therefore useless (as with PKCE, RFC 7636). Start reading at [`Tickets::redeem`].

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

/// Issues and redeems tickets. A ticket can be redeemed once, within 30 seconds.
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
    /// Creates a service that keeps its tickets in `store`. It uses the clock and the entropy
    /// source of `sessions`.
    #[must_use]
    pub fn new(store: Arc<dyn TicketStore>, sessions: Arc<Sessions>) -> Self {
        Self { store, sessions }
    }

    /// Issues a ticket for a session. Returns the ticket and the time at which it expires.
    /// `challenge` is the SHA-256 of the verifier, a secret text that the page has generated and
    /// keeps.
    ///
    /// # Errors
    /// - [`StoreError::Full`]: the store has reached its limit on tickets.
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

    /// Exchanges a ticket for a session. Returns a new token of the session, and the session. The
    /// previous token of the session becomes invalid. `verifier` is the text from which the client
    /// has computed the challenge.
    ///
    /// # Errors
    /// Send the client the same answer for all errors except [`RedeemError::Unavailable`].
    /// - [`RedeemError::Unknown`]: the ticket does not exist, or was used.
    /// - [`RedeemError::Expired`]: the ticket has expired.
    /// - [`RedeemError::Verifier`]: the verifier does not match the challenge, so another client
    ///   has requested the ticket.
    /// - [`RedeemError::Session`]: the session has ended.
    /// - [`RedeemError::Unavailable`]: a store did not answer.
    ///
    /// # Cancel safety
    /// If the future is dropped, the ticket may have been used up.
    ///
    /// # Security
    /// Every attempt uses up the ticket, even an attempt that fails. A client therefore cannot
    /// guess the verifier.
    pub async fn redeem(
        &self,
        ticket: &Ticket,
        verifier: impl AsRef<[u8]>,
    ) -> Result<(SessionToken, Session), RedeemError> {
        let proof: [u8; 32] = Sha256::digest(verifier).into();
        // The ticket is taken before any check, so that only one of several concurrent attempts
        // receives the record.
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

/// Error returned by [`Tickets::redeem`].
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

/// Lifetime of a ticket. It can be short, because a page redeems its ticket immediately.
const LIFETIME: Duration = Duration::from_secs(30);
