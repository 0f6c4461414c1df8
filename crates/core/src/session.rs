//! Session records, and the trait of the store that keeps them.
//!
//! A session has an id and a token. The id never changes and may be shown to its owner. The token
//! is secret, may be replaced, and only its hash is stored. A record contains the idle timeout and
//! the latest end of its session, so that a store and all servers agree about them, even after a
//! restart. `doorward-auth` has the rules for sessions. A session store only keeps the records.

use std::{
    net::IpAddr,
    time::{Duration, SystemTime},
};

use serde_json::{Map, Value};

use crate::{SessionId, SessionKey, StoreFuture, UserId};

/// Record of a session, with its user, its network, and the times at which it started and ends.
///
/// A store keeps times to the millisecond.
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
    /// Permanent id of the session, and the claim `sid` of its access tokens. It grants nothing.
    pub id: SessionId,
    /// User that the session belongs to.
    pub user: UserId,
    /// Value that [`RevocationState::generation`](crate::RevocationState::generation) had when the
    /// session was created. A session with a lower value than the current one is revoked.
    pub generation: u64,
    /// Time at which the session was created.
    pub created_at: SystemTime,
    /// Time of the client's last activity.
    pub seen_at: SystemTime,
    /// Time of the user's last interactive sign-in.
    pub signed_in_at: SystemTime,
    /// Time without activity after which the session expires.
    pub idle_timeout: Duration,
    /// Time at which the session expires even if its client is active.
    pub ends_at: SystemTime,
    /// `User-Agent` header of the browser that created the session; `None` if it is unknown.
    pub user_agent: Option<Box<str>>,
    /// Network from which the session was created, without the part of the address that identifies
    /// a household.
    pub network: Option<IpAddr>,
    /// Data that the application keeps with the session. It never leaves the server.
    pub data: SessionData,
}

impl Session {
    /// Creates a session that starts at `now`. It expires after `idle_timeout` without activity,
    /// and after `lifetime` even if its client is active.
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

    /// Returns the time at which the session expires if its client shows no further activity.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        later(self.seen_at, self.idle_timeout).min(self.ends_at)
    }

    /// Returns `true` if the session has expired at `now`.
    #[must_use]
    pub fn is_over(&self, now: SystemTime) -> bool {
        self.expires_at() <= now
    }

    /// Returns the time from which a store may delete the record. Until then, the server can tell a
    /// returning client that its session has expired. After that, the session is unknown.
    #[must_use]
    pub fn forget_at(&self) -> SystemTime {
        later(self.ends_at, KEPT_AFTERWARDS)
    }
}

/// Data that an application keeps with a session, such as the token of an upstream provider.
///
/// # Security
/// It is never serialized for a client, and `Debug` prints `[redacted]`. Stores write it as JSON.
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

crate::debug_redacted!(SessionData);

/// Store of sessions.
///
/// A change is durable when its future completes. A store that can lose changes documents this.
/// Every implementation passes the same conformance tests (`doorward_testkit::conformance`).
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
/// ```
///
/// # Errors
/// All methods fail with [`StoreError::Unavailable`](crate::StoreError::Unavailable) when the store
/// does not answer. The caller cannot know if the change has happened. Methods that store something
/// fail with [`StoreError::Full`](crate::StoreError::Full) when the store is full.
///
/// # Cancel safety
/// If a future is dropped, its change is made completely or not at all.
pub trait SessionStore: Send + Sync + 'static {
    /// Stores a new session under the hash of its token.
    ///
    /// # Errors
    /// [`StoreError::Exists`](crate::StoreError::Exists) if the key or the id is taken. Nothing was
    /// changed.
    fn create<'a>(&'a self, key: &'a SessionKey, session: &'a Session) -> StoreFuture<'a, ()>;

    /// Finds a session by the hash of its token. Yields `None` if there is no such session. An
    /// expired session that is not deleted yet is found.
    fn find<'a>(&'a self, key: &'a SessionKey) -> StoreFuture<'a, Option<Session>>;

    /// Finds a session by its id. Yields `None` if there is no such session. An expired session
    /// that is not deleted yet is found.
    fn get<'a>(&'a self, id: &'a SessionId) -> StoreFuture<'a, Option<Session>>;

    /// Lists the sessions of a user in the order of their creation. The list contains expired
    /// sessions that are not deleted yet.
    fn of_user<'a>(&'a self, user: &'a UserId) -> StoreFuture<'a, Vec<Session>>;

    /// Records activity of the client at `seen_at`. Returns `true` if the session exists and had
    /// not expired at that time.
    ///
    /// An earlier `seen_at` does not replace a later [`Session::seen_at`], and an expired session
    /// stays expired.
    fn touch<'a>(&'a self, id: &'a SessionId, seen_at: SystemTime) -> StoreFuture<'a, bool>;

    /// Replaces the token of a session by the token with the hash `key`. Returns `true` if the
    /// session exists. The old token is invalid afterwards. Pass `signed_in_at` if the user has
    /// just signed in interactively.
    ///
    /// # Errors
    /// [`StoreError::Exists`](crate::StoreError::Exists) if the key is taken. Nothing was changed.
    fn rotate<'a>(
        &'a self,
        id: &'a SessionId,
        key: &'a SessionKey,
        signed_in_at: Option<SystemTime>,
    ) -> StoreFuture<'a, bool>;

    /// Replaces the application's data in a session. Returns `true` if the session exists.
    fn put_data<'a>(&'a self, id: &'a SessionId, data: &'a SessionData) -> StoreFuture<'a, bool>;

    /// Deletes a session. Returns `true` if it existed.
    fn remove<'a>(&'a self, id: &'a SessionId) -> StoreFuture<'a, bool>;

    /// Deletes the sessions whose [`Session::forget_at`] has been reached at `now`. Returns the
    /// number of deleted sessions. A store that deletes expired records automatically does nothing
    /// here.
    fn sweep(&self, now: SystemTime) -> StoreFuture<'_, u64>;
}

/// Returns the sum of a time and a duration. If the sum overflows, returns the sum of the time and
/// [`AGES`].
fn later(from: SystemTime, by: Duration) -> SystemTime {
    // A configured lifetime may be so long that the clock of the platform cannot represent its end.
    from.checked_add(by).or_else(|| from.checked_add(AGES)).unwrap_or(from)
}

/// A thousand years, which the clock of every platform can represent.
const AGES: Duration = Duration::from_hours(1000 * 365 * 24);

/// Time for which a store keeps a record after [`Session::ends_at`].
const KEPT_AFTERWARDS: Duration = Duration::from_secs(3600);
