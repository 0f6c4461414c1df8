//! Revocation state, and the comparison of a credential with it.
//!
//! A revocation increases the generation of the user, which never decreases. The admission of a
//! socket reads the revocation state, registers the socket, and reads the state again. A concurrent
//! revocation is therefore never missed. Either it finds the registered socket, or the admission
//! reads the new generation.
//!
//! A credential that this server has issued contains the generation of its user, and is compared by
//! generation. A credential of another issuer is compared by its time of issue. Only
//! [`CredentialRef::outlives`] makes these comparisons.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{SessionId, StoreFuture, TokenId, UserId};

/// Revocation state of a credential's user, session and token, read at one moment.
///
/// # Examples
/// ```
/// use doorward_core::RevocationState;
///
/// assert_eq!(RevocationState::default(), RevocationState { generation: 0, revoked_at: None, is_ended: false });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RevocationState {
    /// Generation of the user. It is 0 before the first revocation. Each revocation sets it to the
    /// larger of two numbers: the previous generation plus one, and the milliseconds since 1970.
    pub generation: u64,
    /// Time of the user's last revocation; `None` before the first revocation.
    pub revoked_at: Option<SystemTime>,
    /// `true` if the session or the token was revoked individually.
    pub is_ended: bool,
}

impl RevocationState {
    /// Returns the generation of the user after a revocation at `at`.
    #[must_use]
    pub fn next_generation(&self, at: SystemTime) -> u64 {
        // The milliseconds keep the generation growing even if a store has lost the previous one.
        // The counter keeps it growing if the clock goes back.
        let millis = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
        u64::try_from(millis).unwrap_or(u64::MAX).max(self.generation.saturating_add(1))
    }
}

/// Time at which a credential was issued, as precisely as it is known.
///
/// # Examples
/// ```
/// use std::time::SystemTime;
/// use doorward_core::Issued;
///
/// assert_ne!(Issued::Generation(0), Issued::Shown(SystemTime::UNIX_EPOCH));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Issued {
    /// The credential was issued at this time, which is known to the second. The issuer's clock is
    /// not ahead of the clock of this server.
    At(SystemTime),
    /// The credential was issued at this time, which is known to the second. The issuer's clock may
    /// be ahead of the clock of this server. An example is the `iat` of a token (RFC 7519, section
    /// 4.1.6).
    Claimed {
        /// Time that the issuer's clock showed.
        at: SystemTime,
        /// Maximum time by which the issuer's clock may be ahead. It is the tolerance with which
        /// the token was verified.
        ahead: Duration,
    },
    /// The credential was issued in this generation of the user. Sessions and tokens of this server
    /// contain the generation.
    Generation(u64),
    /// The time of issue is unknown, as for an API key. The value is the time at which the client
    /// has presented the credential, and is used instead.
    Shown(SystemTime),
}

/// Result of comparing a credential with the revocation state.
///
/// # Examples
/// ```
/// use doorward_core::{RevocationState, Issued, Outlives, CredentialRef, UserId};
///
/// let (user, issued) = (UserId::new("alice"), Issued::Generation(0));
/// let standing = CredentialRef { user: &user, session: None, token: None, issued };
/// assert_eq!(standing.outlives(&RevocationState::default()), Outlives::Yes);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlives {
    /// The credential was issued before the last revocation of the user, or was revoked
    /// individually.
    No,
    /// It cannot be decided whether the credential was issued before or after the revocation,
    /// because the issuer's clock may be ahead.
    Unknown {
        /// Earliest time of issue of a credential that is certain to outlive the revocation.
        from: SystemTime,
    },
    /// The credential was issued after the last revocation of the user, or there was no revocation.
    Yes,
}

/// User, session, token and time of issue of a credential. They are compared with the revocation
/// state.
///
/// # Examples
/// ```
/// use std::time::{Duration, SystemTime};
/// use doorward_core::{RevocationState, Issued, CredentialRef, UserId};
///
/// let user = UserId::new("alice");
/// let second = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
/// let token = |iat| CredentialRef { user: &user, session: None, token: None, issued: Issued::At(second(iat)) };
/// let revoked = RevocationState { generation: 1, revoked_at: Some(second(7)), is_ended: false };
/// assert!(!token(7).holds(&revoked));
/// assert!(token(8).holds(&revoked));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CredentialRef<'a> {
    /// User that the credential belongs to.
    pub user: &'a UserId,
    /// Session that the credential belongs to; `None` if it belongs to no session.
    pub session: Option<&'a SessionId>,
    /// Id of the token; `None` if the credential is not a token or the token has no id.
    pub token: Option<&'a TokenId>,
    /// Time at which the credential was issued.
    pub issued: Issued,
}

impl CredentialRef<'_> {
    /// Returns `true` if the credential is certain to be still valid, for which
    /// [`outlives`](Self::outlives) returns [`Outlives::Yes`].
    #[must_use]
    pub fn holds(&self, epoch: &RevocationState) -> bool {
        self.outlives(epoch) == Outlives::Yes
    }

    /// Compares the credential with the revocation state `epoch`. Returns `Yes` if the credential
    /// remains valid, `No` if it is revoked, and `Unknown` if it may be older than the revocation.
    ///
    /// A token that was issued in the same second as a revocation may be older than the revocation.
    /// A token with a later time of issue may be older too if the issuer's clock was ahead, by at
    /// most the tolerance with which the token was verified. If this method ignored the tolerance,
    /// a revoked token could be used again.
    #[must_use]
    pub fn outlives(&self, epoch: &RevocationState) -> Outlives {
        if epoch.is_ended {
            return Outlives::No;
        }
        let yes_if = |is_younger| if is_younger { Outlives::Yes } else { Outlives::No };
        match (self.issued, epoch.revoked_at) {
            (Issued::Generation(generation), _) => yes_if(generation >= epoch.generation),
            (_, None) => Outlives::Yes,
            (Issued::At(at), Some(revoked_at)) => {
                yes_if(whole_second(at) > whole_second(revoked_at))
            }
            (Issued::Claimed { at, ahead }, Some(revoked_at)) => {
                let (at, revoked_at) = (whole_second(at), whole_second(revoked_at));
                // Times of tokens are whole seconds, so a token of the same second may be older
                // than the revocation. The first safe second is the next one, plus the tolerance.
                let from = revoked_at.checked_add(whole_seconds_up(ahead) + SECOND);
                match from {
                    _ if at <= revoked_at => Outlives::No,
                    Some(from) if at >= from => Outlives::Yes,
                    Some(from) => Outlives::Unknown { from },
                    None => Outlives::No,
                }
            }
            (Issued::Shown(at), Some(revoked_at)) => yes_if(at > revoked_at),
        }
    }
}

/// Store of revocations.
///
/// A revocation store that also keeps sessions removes them in the same transaction.
/// [`bump`](RevocationStore::bump) removes all sessions of the user, and
/// [`end_session`](RevocationStore::end_session) removes the revoked session. Revocations are kept
/// for [`REMEMBERED`], and times to the millisecond. Every implementation passes the same
/// conformance tests (`doorward_testkit::conformance`).
///
/// # Examples
/// ```
/// use doorward_core::{RevocationStore, CredentialRef, StoreError};
///
/// async fn is_good(revocations: &dyn RevocationStore, standing: CredentialRef<'_>) -> Result<bool, StoreError> {
///     let epoch = revocations.read(standing.user, standing.session, standing.token).await?;
///     Ok(standing.holds(&epoch))
/// }
/// ```
///
/// # Errors
/// All methods fail with [`StoreError::Unavailable`](crate::StoreError::Unavailable) when the store
/// does not answer. After a failed read, nothing is known. After a failed write, the change may or
/// may not have happened. Writes fail with [`StoreError::Full`](crate::StoreError::Full) when the
/// store is full.
///
/// # Cancel safety
/// Dropping a read changes nothing. If a write is dropped, its change is made completely or not at
/// all.
pub trait RevocationStore: Send + Sync + 'static {
    /// Reads the revocation state of a user, of a session and of a token. Pass `None` for a
    /// credential without a session or without a token id.
    fn read<'a>(
        &'a self,
        user: &'a UserId,
        session: Option<&'a SessionId>,
        token: Option<&'a TokenId>,
    ) -> StoreFuture<'a, RevocationState>;

    /// Revokes all credentials of a user issued up to and including `at`. Returns the new
    /// generation, which is [`RevocationState::next_generation`].
    fn bump<'a>(&'a self, user: &'a UserId, at: SystemTime) -> StoreFuture<'a, u64>;

    /// Revokes a session and every token that names it. `at` is the time of the revocation.
    fn end_session<'a>(&'a self, session: &'a SessionId, at: SystemTime) -> StoreFuture<'a, ()>;

    /// Revokes one token. `at` is the time of the revocation.
    fn end_token<'a>(&'a self, token: &'a TokenId, at: SystemTime) -> StoreFuture<'a, ()>;
}

/// Allows several parts of a program to share one store.
impl<E: RevocationStore + ?Sized> RevocationStore for Arc<E> {
    fn read<'a>(
        &'a self,
        user: &'a UserId,
        session: Option<&'a SessionId>,
        token: Option<&'a TokenId>,
    ) -> StoreFuture<'a, RevocationState> {
        E::read(self, user, session, token)
    }

    fn bump<'a>(&'a self, user: &'a UserId, at: SystemTime) -> StoreFuture<'a, u64> {
        E::bump(self, user, at)
    }

    fn end_session<'a>(&'a self, session: &'a SessionId, at: SystemTime) -> StoreFuture<'a, ()> {
        E::end_session(self, session, at)
    }

    fn end_token<'a>(&'a self, token: &'a TokenId, at: SystemTime) -> StoreFuture<'a, ()> {
        E::end_token(self, token, at)
    }
}

/// Maximum lifetime of a credential. A token with a longer lifetime could still be valid after the
/// stores have forgotten its revocation, so no issuer should issue such a token.
pub const MAX_LIFETIME: Duration = Duration::from_hours(30 * 24);

/// Time for which a store keeps a revocation. It is longer than the lifetime of any credential,
/// even if the issuer's clock is ahead by [`MAX_AHEAD`].
pub const REMEMBERED: Duration = MAX_LIFETIME.saturating_add(MAX_AHEAD);

/// Maximum tolerance for an issuer's clock that is ahead of the server's clock.
pub const MAX_AHEAD: Duration = Duration::from_hours(1);

const SECOND: Duration = Duration::from_secs(1);

/// Rounds a duration up to whole seconds. Returns at most [`MAX_AHEAD`].
fn whole_seconds_up(time: Duration) -> Duration {
    let more = u64::from(time.subsec_nanos() > 0);
    Duration::from_secs(time.as_secs().saturating_add(more).min(MAX_AHEAD.as_secs()))
}

/// Rounds a time down to whole seconds, because tokens state times in whole seconds.
fn whole_second(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    }

    /// Attack 28.
    #[test]
    fn a_credential_holds_if_it_is_younger_than_the_revocation() {
        let user = UserId::new("alice");
        let epoch =
            RevocationState { generation: 7, revoked_at: Some(millis(5_500)), is_ended: false };
        let holds = |issued, epoch: RevocationState| {
            CredentialRef { user: &user, session: None, token: None, issued }.holds(&epoch)
        };

        for (issued, expected) in [
            (Issued::Generation(6), false),
            (Issued::Generation(7), true),
            (Issued::At(millis(4_000)), false),
            (Issued::At(millis(5_000)), false),
            (Issued::At(millis(6_000)), true),
            (Issued::Shown(millis(5_500)), false),
            (Issued::Shown(millis(5_501)), true),
        ] {
            assert_eq!(holds(issued, epoch), expected, "{issued:?}");
            assert!(holds(issued, RevocationState::default()), "{issued:?}");
            assert!(
                !holds(issued, RevocationState { is_ended: true, ..RevocationState::default() }),
                "{issued:?}"
            );
        }
    }

    /// The tolerance applies at every size: none, a few seconds, a fraction of a second, the
    /// maximum.
    #[test]
    fn the_tolerance_of_the_verifier_counts_in_the_comparison() {
        let user = UserId::new("alice");
        let epoch =
            RevocationState { generation: 7, revoked_at: Some(millis(100_300)), is_ended: false };
        let outlives = |at, ahead, epoch: &RevocationState| {
            let issued = Issued::Claimed { at: millis(at), ahead: Duration::from_millis(ahead) };
            CredentialRef { user: &user, session: None, token: None, issued }.outlives(epoch)
        };
        let unknown = |from| Outlives::Unknown { from: millis(from) };

        for (at, ahead, expected) in [
            (99_000, 5_000, Outlives::No),
            (100_000, 5_000, Outlives::No),
            (101_000, 5_000, unknown(106_000)),
            (105_000, 5_000, unknown(106_000)),
            (106_000, 5_000, Outlives::Yes),
            (101_000, 0, Outlives::Yes),
            (102_000, 1_001, unknown(103_000)),
            (103_000, 1_001, Outlives::Yes),
            (4_000_000, u64::MAX, Outlives::Yes),
        ] {
            assert_eq!(outlives(at, ahead, &epoch), expected, "{at} {ahead}");
            assert_eq!(outlives(at, ahead, &RevocationState::default()), Outlives::Yes);
            let ended = RevocationState { is_ended: true, ..RevocationState::default() };
            assert_eq!(outlives(at, ahead, &ended), Outlives::No);
        }
    }

    #[test]
    fn a_generation_only_grows_also_when_the_clock_goes_back() {
        let first = RevocationState::default().next_generation(millis(5_000));
        let second = RevocationState { generation: first, ..RevocationState::default() }
            .next_generation(millis(4_000));

        assert_eq!((first, second), (5_000, 5_001));
    }
}
