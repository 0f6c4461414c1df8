//! Orders to revoke, and what becomes of them.

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
    /// One session, with its sockets and its tokens.
    Session(SessionId),
    /// One socket. Its credential remains valid, so the client may connect again. Nothing is
    /// stored.
    Socket(SocketId),
    /// One token, with the sockets that were opened with it.
    Token(TokenId),
    /// All sessions, tokens and sockets of a user.
    User(UserId),
}

/// Prints the kind only: ids of sessions and tokens must not get into logs.
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

/// Number of sockets that a revocation closed, and the nodes that did or did not confirm it.
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
    /// Number of sockets that have ended.
    pub closed: usize,
    /// Nodes whose sockets have all ended.
    pub confirmed: Vec<NodeId>,
    /// Nodes that did not confirm in time. The revocation is stored nevertheless, except for
    /// [`Revoke::Socket`]: no client connects with the credential, and the sweep of the node ends
    /// its remaining sockets.
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
    /// The store rejected it or did not answer in time, or the server is not built yet. Try again:
    /// the sockets of this server were ended, but their clients may connect again with the same
    /// credential.
    #[error("the revocation was not stored")]
    Store(#[from] StoreError),
}
