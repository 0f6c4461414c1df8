//! Decides whether a session lives, and does whatever may be done with one.
//!
//! Records are kept by a [`SessionStore`], revocations by [`Epochs`]; the rules stand here: a session
//! lives while it is neither over nor older than what was revoked of its user. Cookies, tokens and
//! sockets are absent.
//! Start reading at [`Sessions::verify`].

use std::{fmt, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_core::{
    Clock, Entropy, Epochs, Issued, Lease, MAX_LIFETIME, Session, SessionData, SessionId,
    SessionStore, SessionToken, Standing, StoreError,
};

use self::{lease::Leases, records::Records};

mod create;
mod end;
mod error;
mod lease;
mod records;

pub use self::{
    create::{CreateSessionError, NewSession},
    error::VerifySessionError,
};

/// Makes, checks, prolongs and ends sessions.
///
/// | setting | default |
/// |---|---|
/// | [`idle_timeout`](Sessions::idle_timeout) | 1 hour after the client last did something |
/// | [`lifetime`](Sessions::lifetime) | 12 hours, whatever the client does |
/// | [`per_user`](Sessions::per_user) | 64 |
///
/// Each record carries its own two ends, so a setting counts for the sessions that are made with it.
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
/// # drop(sign_in);
/// ```
///
/// # Cancel safety
/// A future that is dropped may have made its change or not, never half of it; those that change
/// several sessions may have changed some.
///
/// # Security
/// A token has 256 random bits and is kept only as its SHA-256; the id of a session opens nothing.
pub struct Sessions {
    records: Arc<Records>,
    leases: Arc<Leases>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    idle_timeout: Duration,
    lifetime: Duration,
    per_user: usize,
}

impl Sessions {
    /// Puts the service together. `store` and `epochs` may be one and the same.
    #[must_use]
    pub fn new(
        store: Arc<dyn SessionStore>,
        epochs: Arc<dyn Epochs>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            records: Arc::new(Records { store, epochs }),
            leases: Arc::default(),
            clock,
            entropy,
            idle_timeout: Duration::from_hours(1),
            lifetime: Duration::from_hours(12),
            per_user: 64,
        }
    }

    /// Ends new sessions this long after their client last did something.
    #[must_use]
    pub fn idle_timeout(self, idle_timeout: Duration) -> Self {
        Self { idle_timeout, ..self }
    }

    /// Ends new sessions after this time in any case, [`MAX_LIFETIME`] at most: a revocation is
    /// remembered no longer.
    #[must_use]
    pub fn lifetime(self, lifetime: Duration) -> Self {
        Self { lifetime: lifetime.min(MAX_LIFETIME), ..self }
    }

    /// Keeps as many sessions of one user, one at least: the least recently seen one is ended to make
    /// room. Those that are over count until they are forgotten, and go first.
    #[must_use]
    pub fn per_user(self, sessions: usize) -> Self {
        Self { per_user: sessions.max(1), ..self }
    }

    /// Finds the session that a token opens.
    ///
    /// # Errors
    /// - [`VerifySessionError::Unknown`]: the token opens nothing.
    /// - [`VerifySessionError::Expired`], [`VerifySessionError::Revoked`]: it did once.
    /// - [`VerifySessionError::Unavailable`]: the store did not answer, so nothing was decided.
    pub async fn verify(&self, token: &SessionToken) -> Result<Session, VerifySessionError> {
        let session = self.records.store.find(&token.key()).await?;
        self.records.judge(session, self.clock.wall()).await
    }

    /// Finds a session by its id, such as the `sid` of an access token.
    ///
    /// # Errors
    /// As [`Sessions::verify`].
    pub async fn get(&self, id: &SessionId) -> Result<Session, VerifySessionError> {
        let session = self.records.store.get(id).await?;
        self.records.judge(session, self.clock.wall()).await
    }

    /// Notes that the client of a session has just done something over HTTP, and writes that down once
    /// a minute at most. Sockets do the same by their [lease](Sessions::lease).
    ///
    /// # Errors
    /// - [`VerifySessionError::Expired`]: the session has ended since it was looked up.
    /// - [`VerifySessionError::Unavailable`]: the store did not answer.
    pub async fn touch(&self, session: &Session) -> Result<(), VerifySessionError> {
        let now = self.clock.wall();
        let lease = self.leases.get(&session.id);
        if let Some(lease) = &lease {
            lease.touch(now);
        }
        let due = session.seen_at.checked_add(lease::write_interval(session.idle_timeout));
        if due.is_some_and(|due| now < due) {
            return Ok(());
        }
        if !self.records.store.touch(&session.id, now).await? {
            return Err(VerifySessionError::Expired);
        }
        if let Some(lease) = lease {
            lease.was_written(now);
        }
        Ok(())
    }

    /// Gives a session a new token; the old one opens nothing from then on. Do so whenever the session
    /// can do more than before, such as after a change of roles.
    ///
    /// # Errors
    /// As [`Sessions::verify`].
    pub async fn rotate(&self, id: &SessionId) -> Result<SessionToken, VerifySessionError> {
        self.renew_token(id, false).await.map(|(token, _)| token)
    }

    /// Notes that the user has just proved once more who they are, and gives the session a new token.
    ///
    /// # Errors
    /// As [`Sessions::verify`].
    pub async fn step_up(&self, id: &SessionId) -> Result<SessionToken, VerifySessionError> {
        self.renew_token(id, true).await.map(|(token, _)| token)
    }

    /// Returns what the application keeps with a session that lives.
    ///
    /// # Errors
    /// As [`Sessions::verify`].
    pub async fn data(&self, id: &SessionId) -> Result<SessionData, VerifySessionError> {
        self.get(id).await.map(|session| session.data)
    }

    /// Replaces what the application keeps with a session that lives.
    ///
    /// # Errors
    /// As [`Sessions::verify`].
    pub async fn put_data(
        &self,
        id: &SessionId,
        data: &SessionData,
    ) -> Result<(), VerifySessionError> {
        self.get(id).await?;
        let is_there = self.records.store.put_data(id, data).await?;
        if is_there { Ok(()) } else { Err(VerifySessionError::Unknown) }
    }

    /// Returns the hold that sockets have on a session. All of one session in this process share it.
    #[must_use]
    pub fn lease(&self, session: &Session) -> Arc<dyn Lease> {
        self.leases.hold(session, &self.records)
    }

    /// Forgets what may be forgotten, and says how many sessions that were. Call it now and then.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: the store did not answer.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        self.records.store.sweep(self.clock.wall()).await
    }

    /// Replaces the token of a session that lives.
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

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }
}

/// Shows the settings, and nobody's session.
impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("idle_timeout", &self.idle_timeout)
            .field("lifetime", &self.lifetime)
            .field("per_user", &self.per_user)
            .finish_non_exhaustive()
    }
}

/// What a revocation compares a session by.
fn standing(session: &Session) -> Standing<'_> {
    Standing {
        user: &session.user,
        session: Some(&session.id),
        token: None,
        issued: Issued::Generation(session.generation),
    }
}

/// Draws the id of a session.
fn draw_id(entropy: &dyn Entropy) -> SessionId {
    let mut bytes = [0; ID_BYTES];
    entropy.fill(&mut bytes);
    SessionId::new(URL_SAFE_NO_PAD.encode(bytes))
}

/// 144 bits: nobody can guess who else is signed in, and no two are ever the same.
const ID_BYTES: usize = 18;
