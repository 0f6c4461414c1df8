//! Sessions as a server keeps them, and the promise of whoever stores them.
//!
//! A session has an id that never changes and may be shown to its owner, and a secret token that may
//! change and of which only the hash is kept. A record carries its own two ends, so that a store, a
//! server and a restarted server come to the same answer. What may be done with sessions, and when, is
//! decided in `doorward-auth`; a store only keeps.

use std::{
    fmt,
    net::IpAddr,
    time::{Duration, SystemTime},
};

use serde_json::{Map, Value};

use crate::{BoxError, BoxFuture, SessionId, SessionKey, UserId};

/// One session: who signed in, when, from where, and when it ends.
///
/// Times are kept to the millisecond.
///
/// # Examples
/// ```
/// use std::time::{Duration, SystemTime};
/// use doorward_core::{Session, SessionId};
///
/// let now = SystemTime::UNIX_EPOCH;
/// let hour = Duration::from_secs(3600);
/// let session = Session::new(SessionId::new("s-1"), "alice", now, hour, 12 * hour);
/// assert_eq!(session.expires_at(), now + hour);
/// assert!(session.is_over(now + hour));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Session {
    /// Names the session for ever: the `sid` of its access tokens. It opens nothing.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// The user's generation when it was made: see [`Epoch`](crate::Epoch).
    pub generation: u64,
    /// When it was made.
    pub created_at: SystemTime,
    /// When its client last did something.
    pub seen_at: SystemTime,
    /// When its user last proved who they are.
    pub signed_in_at: SystemTime,
    /// It ends this long after its client last did something.
    pub idle_timeout: Duration,
    /// It ends then, whatever its client does.
    pub ends_at: SystemTime,
    /// What the browser called itself.
    pub user_agent: Option<Box<str>>,
    /// From where it was made, without the part of the address that names a household.
    pub network: Option<IpAddr>,
    /// What the application keeps with it. It never leaves the server.
    pub data: SessionData,
}

impl Session {
    /// Describes a session that begins `now`, ends after `idle_timeout` without a sign of life and
    /// after `lifetime` in any case.
    #[must_use]
    pub fn new(
        id: SessionId,
        user: impl Into<UserId>,
        now: SystemTime,
        idle_timeout: Duration,
        lifetime: Duration,
    ) -> Self {
        Self {
            id,
            user: user.into(),
            generation: 0,
            created_at: now,
            seen_at: now,
            signed_in_at: now,
            idle_timeout,
            ends_at: later(now, lifetime),
            user_agent: None,
            network: None,
            data: SessionData::default(),
        }
    }

    /// When it ends if its client does nothing more.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        later(self.seen_at, self.idle_timeout).min(self.ends_at)
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_over(&self, now: SystemTime) -> bool {
        self.expires_at() <= now
    }

    /// When a store may forget it. Until then a client that comes back can be told that its session
    /// has ended, and not only that it is unknown.
    #[must_use]
    pub fn forget_at(&self) -> SystemTime {
        later(self.ends_at, KEPT_AFTERWARDS)
    }
}

/// What an application keeps with a session, such as the token of an upstream provider.
///
/// # Security
/// Nothing serializes it for a client, and `Debug` prints `[redacted]`. Stores write it down as JSON.
///
/// # Examples
/// ```
/// use doorward_core::SessionData;
///
/// let mut data = SessionData::default();
/// data.0.insert("auth_token".into(), "secret".into());
/// assert_eq!(format!("{data:?}"), "SessionData([redacted])");
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct SessionData(pub Map<String, Value>);

impl fmt::Debug for SessionData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionData([redacted])")
    }
}

/// Keeps sessions.
///
/// Whatever is said to be done is done for good when the future completes: a store that can lose it
/// says so in its documentation. Every implementation runs the same conformance tests
/// (`doorward_testkit::conformance`).
///
/// # Examples
/// ```
/// use std::time::{Duration, SystemTime};
/// use doorward_core::{Session, SessionId, SessionStore, SessionToken, StoreError};
///
/// async fn sign_in(store: &dyn SessionStore, token: &SessionToken) -> Result<(), StoreError> {
///     let hour = Duration::from_secs(3600);
///     let id = SessionId::new("s-1");
///     let session = Session::new(id, "alice", SystemTime::UNIX_EPOCH, hour, 12 * hour);
///     store.create(&token.key(), &session).await
/// }
/// # drop(sign_in);
/// ```
///
/// # Errors
/// All methods fail with [`StoreError::Unavailable`] when the store does not answer. Then nothing may be
/// assumed: the change may have happened or not.
///
/// # Cancel safety
/// A future that is dropped may have made its change or not, never half of it.
pub trait SessionStore: Send + Sync + 'static {
    /// Keeps a new session under the hash of its token.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when the key or the id is taken; then nothing was changed.
    fn create<'a>(
        &'a self,
        key: &'a SessionKey,
        session: &'a Session,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Finds a session by its token, also one that is over and not yet forgotten.
    fn find<'a>(
        &'a self,
        key: &'a SessionKey,
    ) -> BoxFuture<'a, Result<Option<Session>, StoreError>>;

    /// Finds a session by its id, also one that is over and not yet forgotten.
    fn get<'a>(&'a self, id: &'a SessionId) -> BoxFuture<'a, Result<Option<Session>, StoreError>>;

    /// Lists the sessions of a user, also those that are over and not yet forgotten, in the order in
    /// which they were made.
    fn of_user<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, Result<Vec<Session>, StoreError>>;

    /// Notes that the client of a session did something, and says whether the session is there and was
    /// not over then. [`Session::seen_at`] never goes back, and a session that is over stays so.
    fn touch<'a>(
        &'a self,
        id: &'a SessionId,
        seen_at: SystemTime,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Replaces the token of a session, and says whether the session is there. The old token opens
    /// nothing from then on. With `signed_in_at` its user has just proved who they are.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when the key is taken; then nothing was changed.
    fn rotate<'a>(
        &'a self,
        id: &'a SessionId,
        key: &'a SessionKey,
        signed_in_at: Option<SystemTime>,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Replaces what the application keeps with a session, and says whether the session is there.
    fn put_data<'a>(
        &'a self,
        id: &'a SessionId,
        data: &'a SessionData,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Forgets a session, and says whether it was there.
    fn remove<'a>(&'a self, id: &'a SessionId) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Forgets what may be forgotten ([`Session::forget_at`]), and says how many sessions that were. A
    /// store that does so by itself has nothing to do here.
    fn sweep(&self, now: SystemTime) -> BoxFuture<'_, Result<u64, StoreError>>;
}

/// Why a store has not done what it was asked to.
///
/// # Examples
/// ```
/// let away = doorward_core::StoreError::Unavailable("connection refused".into());
/// assert_eq!(away.to_string(), "the store does not answer");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// What was to be made is there already; it was not overwritten.
    #[error("the record exists already")]
    Exists,
    /// No more can be kept: the bound of the store is reached. Nothing was changed.
    #[error("the store is full")]
    Full,
    /// The store did not answer, or answered something that it never should.
    #[error("the store does not answer")]
    Unavailable(#[source] BoxError),
}

/// The later time, or one that nobody lives to see.
fn later(from: SystemTime, by: Duration) -> SystemTime {
    from.checked_add(by).or_else(|| from.checked_add(AGES)).unwrap_or(from)
}

/// A thousand years, which every clock can hold.
const AGES: Duration = Duration::from_hours(1000 * 365 * 24);

/// How long an ended session is remembered.
const KEPT_AFTERWARDS: Duration = Duration::from_secs(3600);
