//! Decides who may exchange a ticket for the session behind it.
//!
//! A socket cannot set a cookie: whoever has signed in there gets a ticket, and the page exchanges it
//! once over HTTP. It proves with a verifier that it is the one that asked, so a ticket that was
//! overheard or planted opens nothing (as PKCE does, RFC 7636).
//! Start reading at [`Tickets::redeem`].

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use doorward_core::{
    BoxError, Session, SessionId, SessionToken, StoreError, Ticket, TicketRecord, TicketStore,
};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::{Sessions, VerifySessionError};

/// Hands tickets out and takes them in; a ticket is good once, for 30 seconds.
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
/// # drop(exchange);
/// ```
pub struct Tickets {
    store: Arc<dyn TicketStore>,
    sessions: Arc<Sessions>,
}

impl Tickets {
    /// Puts the service together; clock and randomness are those of `sessions`.
    #[must_use]
    pub fn new(store: Arc<dyn TicketStore>, sessions: Arc<Sessions>) -> Self {
        Self { store, sessions }
    }

    /// Makes a ticket for a session, and says when it ends. `challenge` is the SHA-256 of the verifier
    /// that the page keeps.
    ///
    /// # Errors
    /// - [`StoreError::Full`]: too many are waiting.
    /// - [`StoreError::Unavailable`]: the store did not answer.
    pub async fn issue(
        &self,
        session: &SessionId,
        challenge: [u8; 32],
    ) -> Result<(Ticket, SystemTime), StoreError> {
        let now = self.sessions.clock().wall();
        let expires_at = now.checked_add(LIFETIME).unwrap_or(now);
        let ticket = Ticket::generate(self.sessions.entropy());
        let record = TicketRecord { session: session.clone(), challenge, expires_at };
        self.store.put_ticket(&ticket.key(), &record).await?;
        Ok((ticket, expires_at))
    }

    /// Exchanges a ticket for its session and a fresh token of it; one that was handed out before
    /// opens nothing any more. `verifier` is hashed as the client sent it, byte for byte.
    ///
    /// # Errors
    /// A client should read the same for all of these but the last.
    /// - [`RedeemError::Unknown`]: it is none, or was used.
    /// - [`RedeemError::Expired`]: it came too late.
    /// - [`RedeemError::Verifier`]: it was shown by somebody else than the one who asked for it.
    /// - [`RedeemError::Session`]: the session has ended meanwhile.
    /// - [`RedeemError::Unavailable`]: a store did not answer.
    ///
    /// # Cancel safety
    /// A future that is dropped may have used the ticket up.
    ///
    /// # Security
    /// Every attempt uses the ticket up, the failed ones too: there is nothing to try again with.
    pub async fn redeem(
        &self,
        ticket: &Ticket,
        verifier: impl AsRef<[u8]>,
    ) -> Result<(SessionToken, Session), RedeemError> {
        let proof: [u8; 32] = Sha256::digest(verifier).into();
        let record = self.store.take_ticket(&ticket.key()).await?.ok_or(RedeemError::Unknown)?;
        if record.expires_at <= self.sessions.clock().wall() {
            return Err(RedeemError::Expired);
        }
        if !bool::from(proof.ct_eq(&record.challenge)) {
            return Err(RedeemError::Verifier);
        }
        Ok(self.sessions.renew_token(&record.session, false).await?)
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tickets").finish_non_exhaustive()
    }
}

/// Why a ticket was not exchanged.
///
/// # Examples
/// ```
/// assert_eq!(doorward_auth::RedeemError::Unknown.to_string(), "no such ticket");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedeemError {
    /// It is over its time.
    #[error("the ticket is over its time")]
    Expired,
    /// The session behind it has ended.
    #[error("the session behind the ticket has ended")]
    Session(#[source] VerifySessionError),
    /// Nothing answered, so nothing was handed out. The ticket may be used up.
    #[error("the ticket cannot be looked up now")]
    Unavailable(#[source] BoxError),
    /// There is none, or it was used.
    #[error("no such ticket")]
    Unknown,
    /// The verifier is not the one behind the challenge.
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

/// The page asks for the exchange at once.
const LIFETIME: Duration = Duration::from_secs(30);
