//! Targets, results and errors of revocations. `principals` performs them.
//!
//! While the stores of sessions and revocations do not answer, `recheck` decides how long connected
//! sockets stay, and `admission/vetting.rs` admits no new clients.

use std::fmt;

use doorward_core::{NodeId, SessionId, SocketId, StoreError, TokenId, UserId};

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

/// Result of a revocation. It contains the number of sockets that have ended, the nodes that
/// confirmed the revocation, and the nodes that did not.
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
    /// Nodes that did not confirm in time. Unless the target is a [`Revoke::Socket`], the
    /// revocation is stored nevertheless. So no client can connect with the revoked credential, and
    /// the remaining sockets end at the next re-check
    /// ([`Limits::sweep_interval`](crate::Limits::sweep_interval)).
    pub missing: Vec<NodeId>,
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
