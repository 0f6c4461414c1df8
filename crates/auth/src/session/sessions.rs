//! Manages sessions, and decides if a session is active.
//!
//! A [`SessionStore`] keeps the records of sessions, and a [`RevocationStore`] keeps the revocation
//! state. This module has the rules. A session is active until it expires, until it is ended, or
//! until its user is revoked. Cookies, access tokens and sockets are handled by other modules.
//! Start reading at [`Sessions::verify`].

pub(crate) mod create;
mod end;
pub(crate) mod error;
mod lease;
mod records;

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_core::{
    Clock, Entropy, Lease, MAX_LIFETIME, RevocationStore, Session, SessionData, SessionId,
    SessionStore, SessionToken, StoreError,
};

use crate::session::sessions::{error::VerifySessionError, lease::Leases, records::Records};

/// Creates, verifies, prolongs and ends sessions.
///
/// | setting | default |
/// |---|---|
/// | [`idle_timeout`](Sessions::idle_timeout) | 1 hour after the client's last activity |
/// | [`lifetime`](Sessions::lifetime) | 12 hours, regardless of activity |
/// | [`per_user`](Sessions::per_user) | 64 |
///
/// The store keeps the times of each session with the session, so changed times apply to new
/// sessions only.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use doorward_auth::{MemoryStore, NewSession, Sessions};
/// use doorward_core::{Clock, Entropy, SessionToken};
///
/// async fn sign_in(
///     clock: Arc<dyn Clock>,
///     entropy: Arc<dyn Entropy>,
/// ) -> Result<SessionToken, Box<dyn std::error::Error>> {
///     let store = MemoryStore::default();
///     let sessions = Sessions::new(Arc::new(store.clone()), Arc::new(store), clock, entropy);
///
///     let (token, session) = sessions.create(NewSession::new("alice")).await?;
///     assert_eq!(sessions.verify(&token).await?.id, session.id);
///     Ok(token)
/// }
/// ```
///
/// # Cancel safety
/// If a future is dropped, its change is made completely or not at all. A method that changes
/// several sessions may have changed some of them.
///
/// # Security
/// A session token has 256 random bits and is stored only as its SHA-256. The id of a session
/// grants no access.
pub struct Sessions {
    records: Arc<Records>,
    leases: Arc<Leases>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    idle_timeout: Duration,
    lifetime: Duration,
    per_user: usize,
}

impl Sessions {
    /// Creates the service with its default settings. `store` keeps the sessions and `revocations`
    /// keeps the revocation state. Both may be the same object.
    #[must_use]
    pub fn new(
        store: Arc<dyn SessionStore>,
        revocations: Arc<dyn RevocationStore>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            records: Arc::new(Records { store, revocations }),
            leases: Arc::default(),
            clock,
            entropy,
            idle_timeout: Duration::from_hours(1),
            lifetime: Duration::from_hours(12),
            per_user: 64,
        }
    }

    /// Sets the time after the client's last activity at which new sessions expire. The default is
    /// 1 hour.
    #[must_use]
    pub fn idle_timeout(self, idle_timeout: Duration) -> Self {
        Self { idle_timeout, ..self }
    }

    /// Sets the time after which new sessions expire regardless of activity. The default is 12
    /// hours. The maximum is [`MAX_LIFETIME`], so that no session lives longer than the stores
    /// remember its revocation.
    #[must_use]
    pub fn lifetime(self, lifetime: Duration) -> Self {
        Self { lifetime: lifetime.min(MAX_LIFETIME), ..self }
    }

    /// Limits the number of sessions of one user. The default is 64, and the minimum is 1. A new
    /// session beyond the limit ends the least recently used session of the user. Expired sessions
    /// count until they are deleted, and are deleted first.
    #[must_use]
    pub fn per_user(self, sessions: usize) -> Self {
        Self { per_user: sessions.max(1), ..self }
    }

    /// Returns the active session of a session token.
    ///
    /// # Errors
    /// - [`VerifySessionError::Unknown`]: no session has this token. A session that has ended may
    ///   have been deleted from the store, and a replaced token is unknown as well.
    /// - [`VerifySessionError::Expired`], [`VerifySessionError::Revoked`]: the session has ended,
    ///   and the store still has it.
    /// - [`VerifySessionError::Unavailable`]: a store did not answer, so nothing was decided.
    ///   Retry.
    pub async fn verify(&self, token: &SessionToken) -> Result<Session, VerifySessionError> {
        let session = self.records.store.find(&token.key()).await?;
        self.records.check(session, self.clock.wall()).await
    }

    /// Returns the active session with this id, such as the `sid` of an access token.
    ///
    /// # Errors
    /// Same as [`Sessions::verify`].
    pub async fn get(&self, id: &SessionId) -> Result<Session, VerifySessionError> {
        let session = self.records.store.get(id).await?;
        self.records.check(session, self.clock.wall()).await
    }

    /// Records that the client of a session was active over HTTP. Writes to the session store at
    /// most once a minute, or more often if the idle timeout is below four minutes. Sockets record
    /// their activity through their [lease](Sessions::lease).
    ///
    /// # Errors
    /// - [`VerifySessionError::Expired`]: the session has expired or was removed since the caller
    ///   has looked it up.
    /// - [`VerifySessionError::Unavailable`]: the store did not answer.
    pub async fn touch(&self, session: &Session) -> Result<(), VerifySessionError> {
        let now = self.clock.wall();
        // A lease exists only if sockets of this session exist. A request alone needs no lease.
        let lease = self.leases.get(&session.id);
        if let Some(lease) = &lease {
            lease.touch(now);
        }
        // The write is skipped if the stored time is recent. The interval is short compared with
        // the idle timeout, and the lease above has the exact time.
        let due = session.seen_at.checked_add(lease::write_interval(session.idle_timeout));
        if due.is_some_and(|due| now < due) {
            return Ok(());
        }
        if !self.records.store.touch(&session.id, now).await? {
            return Err(VerifySessionError::Expired);
        }
        // The lease need not write this activity again.
        if let Some(lease) = lease {
            lease.was_written(now);
        }
        Ok(())
    }

    /// Replaces the token of a session and returns the new token. The old token is invalid
    /// afterwards. Call this method whenever the session gains rights, for example after a change
    /// of roles.
    ///
    /// # Errors
    /// Same as [`Sessions::verify`].
    pub async fn rotate(&self, id: &SessionId) -> Result<SessionToken, VerifySessionError> {
        self.renew_token(id, false).await.map(|(token, _)| token)
    }

    /// Records that the user of a session has just authenticated again. Replaces the token of the
    /// session and returns the new token. The old token is invalid afterwards.
    ///
    /// # Errors
    /// Same as [`Sessions::verify`].
    pub async fn step_up(&self, id: &SessionId) -> Result<SessionToken, VerifySessionError> {
        self.renew_token(id, true).await.map(|(token, _)| token)
    }

    /// Returns the data that the application keeps with an active session.
    ///
    /// # Errors
    /// Same as [`Sessions::verify`].
    pub async fn data(&self, id: &SessionId) -> Result<SessionData, VerifySessionError> {
        self.get(id).await.map(|session| session.data)
    }

    /// Replaces the data that the application keeps with an active session.
    ///
    /// # Errors
    /// Same as [`Sessions::verify`].
    pub async fn put_data(
        &self,
        id: &SessionId,
        data: &SessionData,
    ) -> Result<(), VerifySessionError> {
        self.get(id).await?;
        // The session may have been removed since the check.
        let is_there = self.records.store.put_data(id, data).await?;
        if is_there { Ok(()) } else { Err(VerifySessionError::Unknown) }
    }

    /// Returns the lease of a session, which keeps the session alive while its client is active.
    /// All sockets of the session in this process share the lease.
    #[must_use]
    pub fn lease(&self, session: &Session) -> Arc<dyn Lease> {
        self.leases.hold(session, &self.records)
    }

    /// Deletes sessions that ended long ago ([`Session::forget_at`]) and returns their number. Call
    /// this method periodically.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: the store did not answer.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        self.records.store.sweep(self.clock.wall()).await
    }

    /// Replaces the token of an active session. Returns the new token and the session. With
    /// `has_signed_in`, also records that the user has just authenticated.
    pub(crate) async fn renew_token(
        &self,
        id: &SessionId,
        has_signed_in: bool,
    ) -> Result<(SessionToken, Session), VerifySessionError> {
        let mut session = self.get(id).await?;
        let token = SessionToken::generate(&*self.entropy);
        let signed_in_at = has_signed_in.then(|| self.clock.wall());
        if !self.records.store.rotate(id, &token.key(), signed_in_at).await? {
            return Err(VerifySessionError::Unknown);
        }
        session.signed_in_at = signed_in_at.unwrap_or(session.signed_in_at);
        Ok((token, session))
    }
}

// Only the settings are printed, and no session.
doorward_core::debug_fields!(Sessions { idle_timeout, lifetime, per_user });

/// Generates a random session id.
fn draw_id(entropy: &dyn Entropy) -> SessionId {
    let mut bytes = [0; ID_BYTES];
    entropy.fill(&mut bytes);
    SessionId::new(URL_SAFE_NO_PAD.encode(bytes))
}

/// Number of random bytes in a session id. With 144 random bits, an id cannot be guessed and no two
/// sessions get the same id.
const ID_BYTES: usize = 18;
