//! What an admitted socket stands on: principal, credential, and how long it lasts.
//!
//! It is one value that is replaced as a whole, when a credential is refreshed or the user's rights have
//! changed; whoever reads it sees the one or the other. Start reading at [`Access::new`].

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use doorward_core::{
    Clock, Epoch, Grant, Issued, Lease, Outlives, Refusal, Reload, SessionId, Standing, TokenId,
    UserId,
};
use doorward_protocol::Trust;

use crate::limits::Limits;

/// What a socket whose principal is `P` stands on.
pub(crate) struct Access<P> {
    pub(crate) principal: Arc<P>,
    pub(crate) credential: Credential,
    pub(crate) reload: Option<Reload<P>>,
    pub(crate) lifetime: Lifetime,
}

/// The part of it that revocation, guards and audit ask for.
#[derive(Clone)]
pub(crate) struct Credential {
    pub(crate) session: Option<SessionId>,
    pub(crate) token: Option<TokenId>,
    pub(crate) issued: Issued,
    pub(crate) signed_in_at: Option<SystemTime>,
}

/// How long a socket may stay: as long as its credential, and as long as its session.
#[derive(Clone)]
pub(crate) struct Lifetime {
    expiry: Option<Expiry>,
    pub(crate) lease: Option<Arc<dyn Lease>>,
    /// How long ahead of its end the client is told.
    notice: Duration,
}

/// When a credential ends, by both clocks: one that is set back must not prolong it, nor one that
/// stands still while the machine sleeps.
#[derive(Clone, Copy)]
struct Expiry {
    at: Instant,
    wall: Option<SystemTime>,
}

/// Whether a socket may stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// It may.
    Lives,
    /// Its credential is over.
    Expired,
    /// As far as is known here its session is over: the store knows for certain.
    Idle,
}

impl<P> Access<P> {
    /// Takes a grant, unless it is over already.
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

    /// The same with another view of the same user.
    pub(crate) fn with_principal(&self, principal: P) -> Self {
        Self { principal: Arc::new(principal), ..self.again() }
    }

    /// The same once more.
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
    /// Whether the credential of `user` outlives what was revoked.
    pub(crate) fn holds(&self, user: &UserId, epoch: &Epoch) -> bool {
        self.outlives(user, epoch) == Outlives::Yes
    }

    /// What was revoked, compared with the credential of `user`.
    pub(crate) fn outlives(&self, user: &UserId, epoch: &Epoch) -> Outlives {
        let (session, token) = (self.session.as_ref(), self.token.as_ref());
        Standing { user, session, token, issued: self.issued }.outlives(epoch)
    }

    /// How long ago the user proved who they are.
    pub(crate) fn since_sign_in(&self, wall: SystemTime) -> Option<Duration> {
        match wall.duration_since(self.signed_in_at?) {
            Ok(ago) => Some(ago),
            // Clocks of two machines differ a little. One that is far ahead says nothing.
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
        let told_of = credential.into_iter().chain(session).min().unwrap_or_default();
        Ok(Self {
            expiry: at.map(|at| Expiry { at, wall: expires_at }),
            lease,
            notice: limits.expiry_notice.min(told_of / 4),
        })
    }

    /// Notes that the client did something.
    pub(crate) fn touch(&self, wall: SystemTime) {
        if let Some(lease) = &self.lease {
            lease.touch(wall);
        }
    }

    /// When the socket ends if nothing more happens, as a client is told.
    pub(crate) fn expires_at(&self) -> Option<SystemTime> {
        let session = self.lease.as_ref().map(|lease| lease.expires_at());
        let credential = self.expiry.and_then(|expiry| expiry.wall);
        session.into_iter().chain(credential).min()
    }

    /// When to look again.
    pub(crate) fn deadline(&self, now: Instant, wall: SystemTime) -> Option<Instant> {
        let session = self.lease.as_ref().and_then(|lease| {
            now.checked_add(lease.expires_at().duration_since(wall).unwrap_or_default())
        });
        session.into_iter().chain(self.expiry.map(|expiry| expiry.at)).min()
    }

    /// When the client is to be told.
    pub(crate) fn warn_at(&self, now: Instant, wall: SystemTime) -> Option<Instant> {
        self.expires_at()?;
        self.deadline(now, wall)?.checked_sub(self.notice)
    }

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

/// How far a sign-in may be ahead of our clock.
const AHEAD: Duration = Duration::from_secs(5);
