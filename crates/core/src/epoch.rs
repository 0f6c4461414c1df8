//! Revocation: what has ended, and whether a credential is from before that.
//!
//! Whoever revokes moves the user's generation forward, for good. Admission reads it, registers the
//! socket where a revocation will find it, and reads it again: a revocation in between is seen by one
//! of the two. Our own credentials carry the generation they were made in and are compared with it;
//! those of others are compared by time. The comparison is [`Standing::holds`] and stands nowhere else.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{BoxFuture, SessionId, StoreError, TokenId, UserId};

/// What was revoked of a credential's owner, at one moment.
///
/// # Examples
/// ```
/// use doorward_core::Epoch;
///
/// assert_eq!(Epoch::default(), Epoch { generation: 0, revoked_at: None, is_ended: false });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Epoch {
    /// Grows with every revocation of the user: the larger of the last one plus one, and the
    /// milliseconds since 1970. 0 when there was none.
    pub generation: u64,
    /// When the user was last revoked.
    pub revoked_at: Option<SystemTime>,
    /// Whether the session or the token was ended.
    pub is_ended: bool,
}

impl Epoch {
    /// Returns the generation that a revocation of the user at `at` begins.
    #[must_use]
    pub fn next_generation(&self, at: SystemTime) -> u64 {
        let millis = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
        u64::try_from(millis).unwrap_or(u64::MAX).max(self.generation.saturating_add(1))
    }
}

/// When a credential was made, by the best that is known.
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
    /// At this time, to the second, by a clock that does not run ahead of ours.
    At(SystemTime),
    /// At this time, to the second, by a clock that may run ahead: the `iat` of a token.
    Claimed {
        /// What the clock said.
        at: SystemTime,
        /// How far it may be ahead: as far as the verifier lets it.
        ahead: Duration,
    },
    /// In this generation of its user: our own tokens and sessions.
    Generation(u64),
    /// Nobody says. It was shown to us at this time, and stands for itself: an API key.
    Shown(SystemTime),
}

/// What a revocation means for a credential.
///
/// # Examples
/// ```
/// use doorward_core::{Epoch, Issued, Outlives, Standing, UserId};
///
/// let (user, issued) = (UserId::new("alice"), Issued::Generation(0));
/// let standing = Standing { user: &user, session: None, token: None, issued };
/// assert_eq!(standing.outlives(&Epoch::default()), Outlives::Yes);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlives {
    /// It is from before, or was ended by its name.
    No,
    /// It may be from before: its clock may have run ahead. One that is made from this time on is not.
    Unknown {
        /// The first time at which a credential is made that outlives the revocation.
        from: SystemTime,
    },
    /// It is from after it.
    Yes,
}

/// Of what a credential is part, as far as a revocation can end it.
///
/// # Examples
/// ```
/// use std::time::{Duration, SystemTime};
/// use doorward_core::{Epoch, Issued, Standing, UserId};
///
/// let user = UserId::new("alice");
/// let second = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
/// let token = |iat| Standing { user: &user, session: None, token: None, issued: Issued::At(second(iat)) };
/// let revoked = Epoch { generation: 1, revoked_at: Some(second(7)), is_ended: false };
/// assert!(!token(7).holds(&revoked));
/// assert!(token(8).holds(&revoked));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// Whose it is.
    pub user: &'a UserId,
    /// The session it belongs to.
    pub session: Option<&'a SessionId>,
    /// The token it is.
    pub token: Option<&'a TokenId>,
    /// When it was made.
    pub issued: Issued,
}

impl Standing<'_> {
    /// Whether the credential is known to outlive what was revoked.
    #[must_use]
    pub fn holds(&self, epoch: &Epoch) -> bool {
        self.outlives(epoch) == Outlives::Yes
    }

    /// Compares the credential with what was revoked.
    ///
    /// A token that was issued in the second of a revocation may be from before it. So may one that was
    /// issued later by a clock that ran ahead, as far as that was tolerated when the token was shown: a
    /// tolerance that is forgotten here would let the token open the door again.
    #[must_use]
    pub fn outlives(&self, epoch: &Epoch) -> Outlives {
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

/// Keeps what was revoked.
///
/// A store that keeps sessions too removes them in the same step: all of the user's in
/// [`bump`](Epochs::bump), the one in [`end_session`](Epochs::end_session). What it was told it keeps
/// for [`REMEMBERED`], and times to the millisecond. Every implementation runs the same conformance
/// tests (`doorward_testkit::conformance`).
///
/// # Examples
/// ```
/// use doorward_core::{Epochs, Standing, StoreError};
///
/// async fn is_good(epochs: &dyn Epochs, standing: Standing<'_>) -> Result<bool, StoreError> {
///     let epoch = epochs.read(standing.user, standing.session, standing.token).await?;
///     Ok(standing.holds(&epoch))
/// }
/// # drop(is_good);
/// ```
///
/// # Errors
/// All methods fail with [`StoreError::Unavailable`] when the store does not answer. Then nothing is
/// decided.
///
/// # Cancel safety
/// Reading changes nothing; a write that is dropped may have happened or not, never half of it.
pub trait Epochs: Send + Sync + 'static {
    /// Reads what was revoked of this user, session and token.
    fn read<'a>(
        &'a self,
        user: &'a UserId,
        session: Option<&'a SessionId>,
        token: Option<&'a TokenId>,
    ) -> BoxFuture<'a, Result<Epoch, StoreError>>;

    /// Ends everything of a user that was made until `at`, and returns the generation that begins:
    /// [`Epoch::next_generation`].
    fn bump<'a>(
        &'a self,
        user: &'a UserId,
        at: SystemTime,
    ) -> BoxFuture<'a, Result<u64, StoreError>>;

    /// Ends a session, and every token that names it.
    fn end_session<'a>(
        &'a self,
        session: &'a SessionId,
        at: SystemTime,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Ends one token.
    fn end_token<'a>(
        &'a self,
        token: &'a TokenId,
        at: SystemTime,
    ) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// A store that several parts of a program share.
impl<E: Epochs + ?Sized> Epochs for Arc<E> {
    fn read<'a>(
        &'a self,
        user: &'a UserId,
        session: Option<&'a SessionId>,
        token: Option<&'a TokenId>,
    ) -> BoxFuture<'a, Result<Epoch, StoreError>> {
        E::read(self, user, session, token)
    }

    fn bump<'a>(
        &'a self,
        user: &'a UserId,
        at: SystemTime,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        E::bump(self, user, at)
    }

    fn end_session<'a>(
        &'a self,
        session: &'a SessionId,
        at: SystemTime,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        E::end_session(self, session, at)
    }

    fn end_token<'a>(
        &'a self,
        token: &'a TokenId,
        at: SystemTime,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        E::end_token(self, token, at)
    }
}

/// How long a credential may live at most: [`Grant`](crate::Grant)s of tokens that live longer are a mistake of
/// their issuer.
pub const MAX_LIFETIME: Duration = Duration::from_hours(30 * 24);

/// How long a revocation is remembered: longer than any credential lives, also one from a clock that ran ahead
/// by [`MAX_AHEAD`].
pub const REMEMBERED: Duration = Duration::from_hours(30 * 24 + 1);

/// How far ahead a clock may be tolerated.
pub const MAX_AHEAD: Duration = Duration::from_hours(1);

const SECOND: Duration = Duration::from_secs(1);

fn whole_seconds_up(time: Duration) -> Duration {
    let more = u64::from(time.subsec_nanos() > 0);
    Duration::from_secs(time.as_secs().saturating_add(more).min(MAX_AHEAD.as_secs()))
}

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

    /// Attack 28: the rule that no other place repeats.
    #[test]
    fn a_credential_holds_if_it_is_younger_than_the_revocation() {
        let user = UserId::new("alice");
        let epoch = Epoch { generation: 7, revoked_at: Some(millis(5_500)), is_ended: false };
        let holds = |issued, epoch: Epoch| {
            Standing { user: &user, session: None, token: None, issued }.holds(&epoch)
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
            assert!(holds(issued, Epoch::default()), "{issued:?}");
            assert!(!holds(issued, Epoch { is_ended: true, ..Epoch::default() }), "{issued:?}");
        }
    }

    /// An hour, a second, a fraction of a second: whatever was tolerated is not forgotten.
    #[test]
    fn the_tolerance_of_the_verifier_counts_in_the_comparison() {
        let user = UserId::new("alice");
        let epoch = Epoch { generation: 7, revoked_at: Some(millis(100_300)), is_ended: false };
        let outlives = |at, ahead, epoch: &Epoch| {
            let issued = Issued::Claimed { at: millis(at), ahead: Duration::from_millis(ahead) };
            Standing { user: &user, session: None, token: None, issued }.outlives(epoch)
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
            assert_eq!(outlives(at, ahead, &Epoch::default()), Outlives::Yes);
            let ended = Epoch { is_ended: true, ..Epoch::default() };
            assert_eq!(outlives(at, ahead, &ended), Outlives::No);
        }
    }

    #[test]
    fn a_generation_only_grows_also_when_the_clock_goes_back() {
        let first = Epoch::default().next_generation(millis(5_000));
        let second = Epoch { generation: first, ..Epoch::default() }.next_generation(millis(4_000));

        assert_eq!((first, second), (5_000, 5_001));
    }
}
