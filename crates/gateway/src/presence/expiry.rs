//! Access of an admitted socket. Decides when the socket expires, and when its client is warned.
//!
//! An access is one immutable value with the principal, the ids of session and token, and the
//! lifetime. When the credential is refreshed or the rights of the user change, the whole access is
//! replaced, so a reader sees either the old value or the new one. `link/expiring.rs` warns the
//! client, ends the socket, and takes the next credential, which `admission/refresh.rs` checks.
//! Start reading at [`Access::new`].

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use doorward_core::{
    Clock, CredentialRef, Grant, Issued, Lease, Outlives, Refusal, Reload, RevocationState,
    SessionId, TokenId, UserId,
};
use doorward_protocol::Trust;

use crate::limits::Limits;

/// Access of a socket, which is all that it was granted at its admission or last refresh. `P` is
/// the type of its principal.
pub(crate) struct Access<P> {
    pub(crate) principal: Arc<P>,
    pub(crate) credential: Credential,
    pub(crate) reload: Option<Reload<P>>,
    pub(crate) lifetime: Lifetime,
}

/// Part of an access that revocations, guards and audit records need.
#[derive(Clone)]
pub(crate) struct Credential {
    pub(crate) session: Option<SessionId>,
    pub(crate) token: Option<TokenId>,
    pub(crate) issued: Issued,
    pub(crate) signed_in_at: Option<SystemTime>,
}

/// Credential that a client has shown, and the time at which it expires.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'a> {
    pub(crate) credential: &'a Credential,
    /// `None` if the credential does not expire.
    pub(crate) until: Option<SystemTime>,
}

/// Lifetime of a socket. It ends when the credential or the session expires, whichever expires
/// first.
#[derive(Clone)]
pub(crate) struct Lifetime {
    expiry: Option<Expiry>,
    pub(crate) lease: Option<Arc<dyn Lease>>,
    /// Time before the expiry at which the client is warned.
    notice: Duration,
}

/// Expiry of a credential, by the monotonic clock (`at`) and by the wall clock (`wall`).
///
/// The credential expires by the clock that reaches its time first. Otherwise it would live longer
/// if the wall clock is set back, or if the monotonic clock stops while the machine sleeps.
#[derive(Clone, Copy)]
struct Expiry {
    at: Instant,
    wall: Option<SystemTime>,
}

/// State of the lifetime of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// The socket may stay connected.
    Lives,
    /// The credential has expired.
    Expired,
    /// The session has expired as far as this server knows. Another server may have renewed it, so
    /// the store must be queried.
    Idle,
}

impl<P> Access<P> {
    /// Creates the access for a grant. Refuses a grant that has already expired. `shown_at` is the
    /// wall-clock time at which the client showed the credential. It counts as the time of issue if
    /// the grant names none.
    pub(crate) fn new(
        grant: Grant<P>,
        shown_at: SystemTime,
        trust: Trust,
        clock: &dyn Clock,
        limits: &Limits,
    ) -> Result<Self, Refusal> {
        let (wall, now) = (clock.wall(), clock.now());
        let left = |at: SystemTime, expired: fn() -> Refusal| {
            let left = at.duration_since(wall).ok().filter(|left| !left.is_zero());
            left.ok_or_else(expired)
        };
        let session = grant.lease.as_ref().and_then(|lease| lease.expires_at());
        let session = session.map(|at| left(at, Refusal::session_expired)).transpose()?;
        let credential = grant.expires_at.map(|at| left(at, Refusal::token_expired)).transpose()?;
        let anonymous = (trust == Trust::Anonymous).then_some(limits.anonymous_lifetime);
        let shortest = credential.into_iter().chain(anonymous).min();
        let at = shortest.and_then(|left| now.checked_add(left));
        // Remaining time of the credential and the session. `anonymous_lifetime` is not included,
        // because an anonymous client has nothing to refresh and is not warned.
        let told_of = credential.into_iter().chain(session).min().unwrap_or_default();
        let Grant { principal, session, token, issued, signed_in_at, .. } = grant;
        let Grant { expires_at, lease, reload, .. } = grant;
        let lifetime = Lifetime {
            expiry: at.map(|at| Expiry { at, wall: expires_at }),
            lease,
            // At most a quarter of the time, so that a client with a short credential is not warned
            // at once.
            notice: limits.expiry_notice.min(told_of / 4),
        };
        let issued = issued.unwrap_or(Issued::Shown(shown_at));
        let credential = Credential { session, token, issued, signed_in_at };
        Ok(Self { principal: Arc::new(principal), credential, reload, lifetime })
    }

    /// Returns the credential and its expiry.
    pub(crate) fn shown(&self) -> Shown<'_> {
        let until = self.lifetime.expiry.and_then(|expiry| expiry.wall);
        Shown { credential: &self.credential, until }
    }

    /// Returns a copy that has another principal of the same user.
    pub(crate) fn with_principal(&self, principal: P) -> Self {
        Self { principal: Arc::new(principal), ..self.again() }
    }

    /// Returns a copy. `Clone` is not derived, because it would require `P: Clone`.
    pub(crate) fn again(&self) -> Self {
        Self {
            principal: Arc::clone(&self.principal),
            credential: self.credential.clone(),
            reload: self.reload.clone(),
            lifetime: self.lifetime.clone(),
        }
    }
}

impl Credential {
    /// Returns `true` if the credential of `user` remains valid after the revocations in `epoch`.
    pub(crate) fn holds(&self, user: &UserId, epoch: &RevocationState) -> bool {
        self.outlives(user, epoch) == Outlives::Yes
    }

    /// Compares the credential of `user` with its revocations: `Yes` if it remains valid, `No` if
    /// it is revoked, `Unknown` if it may be older than the revocation.
    pub(crate) fn outlives(&self, user: &UserId, epoch: &RevocationState) -> Outlives {
        let (session, token) = (self.session.as_ref(), self.token.as_ref());
        CredentialRef { user, session, token, issued: self.issued }.outlives(epoch)
    }

    /// Returns the time since the user signed in. Returns `None` if the credential does not say
    /// when the user signed in, or if that time is more than [`AHEAD`] in the future.
    pub(crate) fn since_sign_in(&self, wall: SystemTime) -> Option<Duration> {
        match wall.duration_since(self.signed_in_at?) {
            Ok(ago) => Some(ago),
            // The clocks of two machines differ a little. A time that is further ahead cannot be
            // trusted.
            Err(ahead) => (ahead.duration() <= AHEAD).then_some(Duration::ZERO),
        }
    }
}

impl Lifetime {
    /// Records activity of the client, which extends its session.
    pub(crate) fn touch(&self, wall: SystemTime) {
        if let Some(lease) = &self.lease {
            lease.touch(wall);
        }
    }

    /// Returns the wall-clock time at which the socket expires if its client shows no further
    /// activity. Returns `None` if neither the credential nor the session expires. This time is
    /// sent to the client.
    pub(crate) fn expires_at(&self) -> Option<SystemTime> {
        let session = self.lease.as_ref().and_then(|lease| lease.expires_at());
        let credential = self.expiry.and_then(|expiry| expiry.wall);
        session.into_iter().chain(credential).min()
    }

    /// Returns the time at which the [state](Lifetime::state) must be checked again, or `None` if
    /// the socket never expires.
    pub(crate) fn deadline(&self, now: Instant, wall: SystemTime) -> Option<Instant> {
        let session = self.lease.as_ref().and_then(|lease| {
            now.checked_add(lease.expires_at()?.duration_since(wall).unwrap_or_default())
        });
        session.into_iter().chain(self.expiry.map(|expiry| expiry.at)).min()
    }

    /// Returns the time at which the client must be warned. Returns `None` if neither the
    /// credential nor the session expires.
    pub(crate) fn warn_at(&self, now: Instant, wall: SystemTime) -> Option<Instant> {
        self.expires_at()?;
        self.deadline(now, wall)?.checked_sub(self.notice)
    }

    /// Returns the state at the given time.
    pub(crate) fn state(&self, now: Instant, wall: SystemTime) -> Life {
        let session = self.lease.as_ref().and_then(|lease| lease.expires_at());
        let is_idle = session.is_some_and(|at| at <= wall);
        let is_over = |expiry: Expiry| expiry.at <= now || expiry.wall.is_some_and(|at| at <= wall);
        if is_idle {
            Life::Idle
        } else if self.expiry.is_some_and(is_over) {
            Life::Expired
        } else {
            Life::Lives
        }
    }
}

/// Maximum time by which a sign-in may be ahead of the clock of this server. A larger difference is
/// not trusted.
const AHEAD: Duration = Duration::from_secs(5);
