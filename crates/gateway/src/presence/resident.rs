//! View of a socket for revocations, re-checks and operators, without the type of its principal.
//!
//! `admission/resident.rs` implements the trait. Start reading at [`Resident`].

use std::{net::IpAddr, sync::Arc, time::SystemTime};

use doorward_core::{
    BoxError, BoxFuture, DisconnectReason, Lease, NodeId, RevocationState, SessionId, SocketId,
    UserId,
};

use crate::presence::expiry::Credential;

/// A socket with the type of its principal erased.
pub(crate) trait Resident: Send + Sync {
    fn id(&self) -> SocketId;
    fn user(&self) -> &UserId;
    /// Returns `true` if the client was authenticated.
    fn is_known(&self) -> bool;
    fn credential(&self) -> Credential;
    fn lease(&self) -> Option<Arc<dyn Lease>>;
    /// Returns `true` if the credential remains valid after the revocations in `epoch`.
    fn holds(&self, epoch: &RevocationState) -> bool;
    /// Tells the link to end the socket. Packets that are still queued for the socket are dropped.
    fn cut(&self, reason: DisconnectReason);
    /// Completes when the socket has ended.
    fn closed(&self) -> BoxFuture<'_, ()>;
    /// Reloads the principal, and checks the connection and the rooms again. Ends the socket if the
    /// connection is no longer allowed.
    fn reload(&self) -> BoxFuture<'_, Reloaded>;
    fn describe(&self) -> SocketInfo;
}

/// Description of a connected socket, for operators and other nodes.
///
/// It contains no credential. [`Principals::sockets`](crate::Principals::sockets) and
/// [`Broadcast::fetch_sockets`](crate::Broadcast::fetch_sockets) return it.
///
/// # Examples
/// ```
/// fn line(info: &doorward::access::SocketInfo) -> String {
///     format!("{} {:?} {}", info.socket, info.user, info.namespace)
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SocketInfo {
    /// Public id of the socket.
    pub socket: SocketId,
    /// Number of the socket's link (its Engine.IO connection), unique on this node. Sockets with
    /// the same number share a link.
    pub link: u64,
    /// Name of the namespace, with its leading slash.
    pub namespace: Arc<str>,
    /// User of the socket. It is `anonymous` in a public namespace.
    pub user: UserId,
    /// Id of the session to which the credential refers, or `None` if it refers to no session.
    /// `Debug` does not print the id.
    pub session: Option<SessionId>,
    /// Wall-clock time at which the client was authenticated.
    pub connected_at: SystemTime,
    /// Wall-clock time at which the socket expires if its client shows no further activity. `None`
    /// if neither its credential nor its session expires.
    pub expires_at: Option<SystemTime>,
    /// Network of the client, which is its IP address without the part that identifies a household.
    /// `None` if the address is not known.
    pub network: Option<IpAddr>,
    /// `User-Agent` of the client, at most 256 bytes of it. Any client can send any text.
    pub agent: Option<Arc<str>>,
    /// Name of the node that the client is connected to.
    pub node: NodeId,
}

/// Result of reloading the principal of a socket.
#[derive(Debug)]
pub(crate) enum Reloaded {
    /// The socket continues with the new principal.
    Stays,
    /// The connection is no longer allowed. The link was told to end the socket.
    Ends,
    /// The principal could not be loaded or checked. Nothing was changed.
    Undecided(BoxError),
}
