//! Ends what should not go on: users, sessions, tokens, sockets.
//!
//! A revocation is written down first, for good, and then acted on: every socket that it covers is told
//! to end, and it returns when they have. Whoever enters meanwhile reads what was written. Start reading
//! at [`Principals::revoke`].

use std::{fmt, sync::Arc, task::Poll, time::Duration};

use doorward_core::{Decision, DisconnectReason, SessionId, SocketId, StoreError, TokenId, UserId};

use crate::{
    ConnectionInfo,
    registry::Whose,
    renewal::Reloaded,
    resident::Resident,
    services::{Services, Subject},
};

/// Who is connected, and the power to end it; get one with
/// [`Doorward::principals`](crate::Doorward::principals) or [`Hub::principals`](crate::Hub::principals).
///
/// It is cheap to clone and belongs into the state of an application.
///
/// # Examples
/// ```
/// use doorward::{Principals, Revoke, RevokeError};
///
/// async fn fire(principals: &Principals, user: &str) -> Result<(), RevokeError> {
///     let done = principals.revoke(Revoke::User(user.into())).await?;
///     if !done.missing.is_empty() {
///         eprintln!("not confirmed yet by {:?}", done.missing);
///     }
///     Ok(())
/// }
/// # drop(fire);
/// ```
#[derive(Clone)]
pub struct Principals {
    services: Arc<Services>,
}

/// What is to end.
///
/// # Examples
/// ```
/// use doorward::{Revoke, UserId};
///
/// assert_eq!(Revoke::User(UserId::new("alice")).to_string(), "user");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revoke {
    /// One session, with its sockets and its tokens.
    Session(SessionId),
    /// One socket. Its credential stays good: its client may come back when its program says so.
    Socket(SocketId),
    /// One token, with the sockets that were opened with it.
    Token(TokenId),
    /// Everything that a user has: sessions, tokens, sockets.
    User(UserId),
}

/// Names the kind; what is revoked may be a credential.
impl fmt::Display for Revoke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Session(_) => "session",
            Self::Socket(_) => "socket",
            Self::Token(_) => "token",
            Self::User(_) => "user",
        })
    }
}

/// What a revocation has done.
///
/// # Examples
/// ```
/// fn is_complete(revocation: &doorward::Revocation) -> bool {
///     revocation.missing.is_empty()
/// }
/// # drop(is_complete);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revocation {
    /// How many sockets have ended.
    pub closed: usize,
    /// The servers that have ended what they had.
    pub confirmed: Vec<Box<str>>,
    /// The servers that have not said so in time. What was revoked is written down all the same: nobody
    /// enters with it, and their sweep ends what is left.
    pub missing: Vec<Box<str>>,
}

/// Why a revocation was not written down.
///
/// # Examples
/// ```
/// use doorward::RevokeError;
///
/// let error = RevokeError::Store(doorward::StoreError::Full);
/// assert_eq!(error.to_string(), "the revocation was not written down");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevokeError {
    /// The store did not take it. The sockets of this server have been ended, but the credential may open
    /// the door again: try again.
    #[error("the revocation was not written down")]
    Store(#[from] StoreError),
}

/// What has become of the sockets of a user whose rights have changed.
///
/// # Examples
/// ```
/// let all_good = doorward::Refresh::default();
/// assert_eq!(all_good.undecided, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refresh {
    /// They go on, with what they may now.
    pub kept: usize,
    /// They may not be here any more, and have ended.
    pub ended: usize,
    /// Nobody could be asked about these, and they go on as before: try again.
    pub undecided: usize,
}

impl Principals {
    pub(crate) fn new(services: Arc<Services>) -> Self {
        Self { services }
    }

    /// Ends a user, a session, a token or a socket, and returns when it has ended.
    ///
    /// The order is written down durably first. Then every socket that it covers ends: nothing of it is
    /// started or delivered any more when this returns, what was queued for its client is dropped, and a
    /// handler that is running may finish unheard. Clients read `revoked`.
    ///
    /// # Errors
    /// [`RevokeError::Store`]: it could not be written down.
    ///
    /// # Cancel safety
    /// A future that is dropped may have written the order down or not; what was told to end, ends.
    pub async fn revoke(&self, what: Revoke) -> Result<Revocation, RevokeError> {
        let begun = self.services.clock.now();
        let written = self.write_down(&what).await;
        // Also when it was not: whoever wants somebody out wants them out.
        let revocation = self.end(&what).await;
        let took = self.services.clock.now().saturating_duration_since(begun);
        self.services.metrics.revoked(took);
        written?;
        Ok(revocation)
    }

    async fn write_down(&self, what: &Revoke) -> Result<(), StoreError> {
        let Services { epochs, clock, .. } = &*self.services;
        let at = clock.wall();
        let (user, session, socket) = match what {
            Revoke::Session(session) => (None, Some(session), None),
            Revoke::Socket(socket) => (None, None, Some(*socket)),
            Revoke::Token(_) => (None, None, None),
            Revoke::User(user) => (Some(user), None, None),
        };
        match what {
            Revoke::Session(session) => epochs.end_session(session, at).await?,
            Revoke::Socket(_) => {}
            Revoke::Token(token) => epochs.end_token(token, at).await?,
            Revoke::User(user) => drop(epochs.bump(user, at).await?),
        }
        let session = session.cloned();
        let subject = Subject { user, session, socket, ..Subject::default() };
        self.services.decided(Decision::Revoked, subject);
        Ok(())
    }

    async fn end(&self, what: &Revoke) -> Revocation {
        let registry = &self.services.registry;
        let found = match what {
            Revoke::Session(session) => registry.of(Whose::Session(session)),
            Revoke::Socket(socket) => registry.socket(*socket).into_iter().collect(),
            Revoke::Token(token) => registry.of(Whose::Token(token)),
            Revoke::User(user) => registry.of(Whose::User(user)),
        };
        let closed = end_all(&self.services, &found, DisconnectReason::Revoked).await;
        let here = vec![NODE.into()];
        if closed == found.len() {
            Revocation { closed, confirmed: here, missing: Vec::new() }
        } else {
            Revocation { closed, confirmed: Vec::new(), missing: here }
        }
    }

    /// Looks the principal of every socket of a user up again, after the user's rights have changed.
    ///
    /// Guards are asked about the connection once more, and rooms that are not allowed any more are left;
    /// who may not be here any more reads `forbidden` or, when the user is gone, `revoked`.
    ///
    /// # Cancel safety
    /// Sockets that were not reached go on as before.
    pub async fn refresh(&self, user: &UserId) -> Refresh {
        let mut done = Refresh::default();
        let mut ending = Vec::new();
        for resident in self.services.registry.of(Whose::User(user)) {
            match resident.reload().await {
                Reloaded::Stays => done.kept += 1,
                Reloaded::Ends => ending.push(resident),
                Reloaded::Undecided(cause) => {
                    tracing::warn!(socket = %resident.id(), %cause, "A principal was not reloaded.");
                    done.undecided += 1;
                }
            }
        }
        closed(&self.services, &ending).await;
        done.ended = ending.len();
        done
    }

    /// Everybody who is connected at this moment.
    #[must_use]
    pub fn connections(&self) -> Vec<ConnectionInfo> {
        let everybody = self.services.registry.everybody();
        everybody.iter().map(|resident| resident.describe()).collect()
    }
}

impl fmt::Debug for Principals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principals").finish_non_exhaustive()
    }
}

/// Tells sockets to end and waits until they have; returns how many did in time.
pub(crate) async fn end_all(
    services: &Services,
    residents: &[Arc<dyn Resident>],
    reason: DisconnectReason,
) -> usize {
    for resident in residents {
        resident.cut(reason);
    }
    closed(services, residents).await
}

/// Waits until sockets have ended; returns how many did in time.
async fn closed(services: &Services, residents: &[Arc<dyn Resident>]) -> usize {
    let mut waiting: Vec<_> = residents.iter().map(|resident| resident.closed()).collect();
    let all = std::future::poll_fn(|cx| {
        waiting.retain_mut(|closed| closed.as_mut().poll(cx).is_pending());
        if waiting.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    });
    let is_done = services.within(CONFIRMED_WITHIN, all).await.is_some();
    if is_done { residents.len() } else { residents.len() - waiting.len() }
}

/// How long sockets may take to end. Each link does so when it has its turn; only a program that blocks
/// its threads makes this fire.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(2);

/// What this server calls itself while it is alone.
const NODE: &str = "this server";
