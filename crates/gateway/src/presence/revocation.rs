//! Targets, results and errors of revocations. `principals` performs them.
//!
//! While the stores of sessions and revocations do not answer, `recheck` decides how long connected
//! sockets stay, and `admission/vetting.rs` admits no new clients.

use std::fmt;

use doorward_core::{NodeId, SessionId, SocketId, StoreError, TokenId, UserId};

use crate::presence::confirming::{Confirming, Nodes, Pending};

/// Target of a revocation.
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
    /// One session, with all sockets and tokens of the session.
    Session(SessionId),
    /// One socket. Its credential remains valid, so the client may connect again. Nothing is stored
    /// in the revocation store.
    Socket(SocketId),
    /// One token, with the sockets that were opened or refreshed with it.
    Token(TokenId),
    /// All sessions, tokens and sockets of a user.
    User(UserId),
}

/// Prints only the kind of the target, because ids of sessions and tokens must not appear in logs.
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

/// Result of a revocation. It contains the number of sockets that have ended, and lists every node
/// of the cluster by what it has done.
///
/// # Examples
/// ```
/// fn is_complete(revocation: &doorward::access::Revocation) -> bool {
///     revocation.missing.is_empty()
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revocation {
    /// Number of sockets that the revocation has ended, and that have closed in time.
    pub closed: usize,
    /// Nodes on which all sockets that the revocation covers have ended.
    pub confirmed: Vec<NodeId>,
    /// Nodes that have not confirmed and serve none of these sockets any more: their lease has ended
    /// since, or they have left the cluster.
    pub lapsed: Vec<NodeId>,
    /// Nodes that did not confirm in time. Unless the target is a [`Revoke::Socket`], the
    /// revocation is stored nevertheless, so no client can connect with the revoked credential.
    /// [`settled`](Self::settled) waits for these nodes.
    pub missing: Vec<NodeId>,
    pending: Pending,
}

impl Revocation {
    pub(crate) fn of(confirming: &Confirming) -> Self {
        let Nodes { confirmed, lapsed, missing } = confirming.nodes();
        let pending = (!missing.is_empty()).then(|| Box::new(confirming.clone()));
        let closed = count(confirming.outcome().ended);
        Self { closed, confirmed, lapsed, missing, pending: Pending(pending) }
    }

    /// Waits until no node is missing, and returns the final result. Takes at most 30 s after the
    /// revocation, because a node that cannot be reached has stopped serving its clients by then.
    ///
    /// A node is still missing afterwards only if a handler blocks the thread of a socket for that
    /// long. Such a socket starts no event and receives no packet.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect on the revocation.
    ///
    /// # Examples
    /// ```
    /// # use doorward::{Principals, Revoke, access::RevokeError};
    /// async fn fire(principals: &Principals, user: &str) -> Result<(), RevokeError> {
    ///     let done = principals.revoke(Revoke::User(user.into())).await?.settled().await;
    ///     println!("{} sockets closed, {:?} confirmed", done.closed, done.confirmed);
    ///     Ok(())
    /// }
    /// ```
    #[must_use]
    pub async fn settled(self) -> Self {
        let Some(mut confirming) = self.pending.0 else { return self };
        confirming.settle().await;
        Self::of(&confirming)
    }
}

/// Result of reloading the principals of a user. It lists every node of the cluster by what it has
/// done.
///
/// # Examples
/// ```
/// let all_good = doorward::access::Refreshed::default();
/// assert_eq!(all_good.undecided, 0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refreshed {
    /// Number of sockets that continue with the new rights.
    pub kept: usize,
    /// Number of sockets that were ended, because guards no longer allow their connection or
    /// because their user no longer exists.
    pub ended: usize,
    /// Number of sockets whose principal could not be loaded or checked. They keep their previous
    /// principal. Call [`Principals::refresh`](crate::Principals::refresh) again.
    pub undecided: usize,
    /// Nodes that have checked all sockets of the user.
    pub confirmed: Vec<NodeId>,
    /// Nodes that have not confirmed and serve none of these sockets any more: their lease has ended
    /// since, or they have left the cluster.
    pub lapsed: Vec<NodeId>,
    /// Nodes that did not confirm in time. [`settled`](Self::settled) waits for them.
    pub missing: Vec<NodeId>,
    pending: Pending,
}

impl Refreshed {
    pub(crate) fn of(confirming: &Confirming) -> Self {
        let Nodes { confirmed, lapsed, missing } = confirming.nodes();
        let outcome = confirming.outcome();
        let (kept, ended, undecided) =
            (count(outcome.kept), count(outcome.ended), count(outcome.undecided));
        let pending = (!missing.is_empty()).then(|| Box::new(confirming.clone()));
        Self { kept, ended, undecided, confirmed, lapsed, missing, pending: Pending(pending) }
    }

    /// Waits until no node is missing, and returns the final result. Takes at most 30 s, as
    /// [`Revocation::settled`] does.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect on the reload.
    #[must_use]
    pub async fn settled(self) -> Self {
        let Some(mut confirming) = self.pending.0 else { return self };
        confirming.settle().await;
        Self::of(&confirming)
    }
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Failure to store a revocation.
///
/// # Examples
/// ```
/// use doorward::access::RevokeError;
///
/// let error = RevokeError::Store(doorward::store::StoreError::Full);
/// assert_eq!(error.to_string(), "the revocation was not stored");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevokeError {
    /// The revocation store rejected the revocation or did not answer in time, or the server is not
    /// built yet. The sockets of this server were ended, but their clients may connect again with
    /// the same credential. Call [`Principals::revoke`](crate::Principals::revoke) again.
    #[error("the revocation was not stored")]
    Store(#[from] StoreError),
}

/// Failure to tell the other nodes that the rights of a user have changed.
///
/// # Examples
/// ```
/// use doorward::access::RefreshError;
///
/// let error = RefreshError::Store(doorward::store::StoreError::Full);
/// assert_eq!(error.to_string(), "the other nodes were not told to load the rights again");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// The cluster did not take the order, or did not answer in time. Sockets on other nodes continue
    /// with the old rights. Call [`Principals::refresh`](crate::Principals::refresh) again.
    #[error("the other nodes were not told to load the rights again")]
    Store(#[from] StoreError),
}
