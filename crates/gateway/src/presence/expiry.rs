//! Access of an admitted socket: decides when it expires, and when its client is warned.
//!
//! It holds the principal, the ids of session and token, and the lifetime, as one immutable value.
//! When the credential is refreshed or the rights of the user change, it is replaced as a whole, so
//! a reader sees either the old value or the new one. Start reading at [`Access::new`].

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

/// Access of a socket whose principal is `P`.
pub(crate) struct Access<P> {
    pub(crate) principal: Arc<P>,
    pub(crate) credential: Credential,
    pub(crate) reload: Option<Reload<P>>,
    pub(crate) lifetime: Lifetime,
}

/// The part of an access that revocations, guards and audit records need.
#[derive(Clone)]
pub(crate) struct Credential {
    pub(crate) session: Option<SessionId>,
    pub(crate) token: Option<TokenId>,
    pub(crate) issued: Issued,
    pub(crate) signed_in_at: Option<SystemTime>,
}

/// Lifetime of a socket. It ends with the credential or with the session, whichever is first.
#[derive(Clone)]
pub(crate) struct Lifetime {
    expiry: Option<Expiry>,
    pub(crate) lease: Option<Arc<dyn Lease>>,
    /// How long before expiry the client is warned.
    notice: Duration,
}

/// Expiry of a credential, by both clocks.
///
/// A wall clock that is set back must not prolong it, and neither must a monotonic clock that
/// stands still while the machine sleeps.
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
    /// The session has expired as far as this server knows. Only the store knows for certain.
    Idle,
}

impl<P> Access<P> {
    /// Creates the access of a grant. Refuses a grant that has already expired.
    pub(crate) fn new(
        grant: Grant<P>,
        shown_at: SystemTime,
        trust: Trust,
        clock: &dyn Clock,
        limits: &Limits,
    ) -> Result<Self, Refusal> {
        let Grant { principal, session, token, issued, signed_in_at, .. } = grant;
        let Grant { expires_at, lease, reload, .. } = grant;
        let lifetime = Lifetime::new(expires_at, lease, trust, clock, limits)?;
        let issued = issued.unwrap_or(Issued::Shown(shown_at));
        let credential = Credential { session, token, issued, signed_in_at };
        Ok(Self { principal: Arc::new(principal), credential, reload, lifetime })
    }

    /// Returns a copy with another principal of the same user.
    pub(crate) fn with_principal(&self, principal: P) -> Self {
        Self { principal: Arc::new(principal), ..self.again() }
    }

    /// Returns a copy. A derived `Clone` would require `P: Clone`.
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
    /// Returns `true` if the credential of `user` outlives the revocations in `epoch`.
    pub(crate) fn holds(&self, user: &UserId, epoch: &RevocationState) -> bool {
        self.outlives(user, epoch) == Outlives::Yes
    }

    /// Compares the credential of `user` with the revocation state.
    pub(crate) fn outlives(&self, user: &UserId, epoch: &RevocationState) -> Outlives {
        let (session, token) = (self.session.as_ref(), self.token.as_ref());
        CredentialRef { user, session, token, issued: self.issued }.outlives(epoch)
    }

    /// Returns the time since the user signed in; `None` if the credential does not say, or names a
    /// time that is more than [`AHEAD`] in the future.
    pub(crate) fn since_sign_in(&self, wall: SystemTime) -> Option<Duration> {
        match wall.duration_since(self.signed_in_at?) {
            Ok(ago) => Some(ago),
            // Clocks of two machines differ a little. A time far ahead cannot be trusted.
            Err(ahead) => (ahead.duration() <= AHEAD).then_some(Duration::ZERO),
        }
    }
}

impl Lifetime {
    fn new(
        expires_at: Option<SystemTime>,
        lease: Option<Arc<dyn Lease>>,
        trust: Trust,
        clock: &dyn Clock,
        limits: &Limits,
    ) -> Result<Self, Refusal> {
        let (wall, now) = (clock.wall(), clock.now());
        let left = |at: SystemTime| at.duration_since(wall).ok().filter(|left| !left.is_zero());
        let session = match &lease {
            Some(lease) => Some(left(lease.expires_at()).ok_or_else(Refusal::session_expired)?),
            None => None,
        };
        let credential = match expires_at {
            Some(at) => Some(left(at).ok_or_else(Refusal::token_expired)?),
            None => None,
        };
        let anonymous = (trust == Trust::Anonymous).then_some(limits.anonymous_lifetime);
        let shortest = credential.into_iter().chain(anonymous).min();
        let at = shortest.and_then(|left| now.checked_add(left));
        // The expiry that the client can act on. `anonymous_lifetime` is not part of it: an
        // anonymous client has nothing to refresh, and is not warned.
        let told_of = credential.into_iter().chain(session).min().unwrap_or_default();
        Ok(Self {
            expiry: at.map(|at| Expiry { at, wall: expires_at }),
            lease,
            // A quarter at most, so that a client with a short credential is not warned at once.
            notice: limits.expiry_notice.min(told_of / 4),
        })
    }

    /// Records activity of the client, which prolongs its session.
    pub(crate) fn touch(&self, wall: SystemTime) {
        if let Some(lease) = &self.lease {
            lease.touch(wall);
        }
    }

    /// Returns when the socket expires without further activity, as it is sent to the client.
    pub(crate) fn expires_at(&self) -> Option<SystemTime> {
        let session = self.lease.as_ref().map(|lease| lease.expires_at());
        let credential = self.expiry.and_then(|expiry| expiry.wall);
        session.into_iter().chain(credential).min()
    }

    /// Returns when the state must be checked again.
    pub(crate) fn deadline(&self, now: Instant, wall: SystemTime) -> Option<Instant> {
        let session = self.lease.as_ref().and_then(|lease| {
            now.checked_add(lease.expires_at().duration_since(wall).unwrap_or_default())
        });
        session.into_iter().chain(self.expiry.map(|expiry| expiry.at)).min()
    }

    /// Returns when the client must be warned; `None` if it has no expiry to act on.
    pub(crate) fn warn_at(&self, now: Instant, wall: SystemTime) -> Option<Instant> {
        self.expires_at()?;
        self.deadline(now, wall)?.checked_sub(self.notice)
    }

    /// Returns the state at this moment.
    pub(crate) fn state(&self, now: Instant, wall: SystemTime) -> Life {
        let is_idle = self.lease.as_ref().is_some_and(|lease| lease.expires_at() <= wall);
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

/// How far the time of a sign-in may be ahead of the clock of this server.
const AHEAD: Duration = Duration::from_secs(5);
