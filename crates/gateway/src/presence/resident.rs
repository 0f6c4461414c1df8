//! A socket as those see it who may end it, with the type of its principal forgotten.

use std::{net::IpAddr, sync::Arc, time::SystemTime};

use doorward_core::{
    BoxError, BoxFuture, DisconnectReason, Lease, RevocationState, SessionId, SocketId, UserId,
};

use crate::presence::access::Credential;

/// A socket that is admitted, or about to be.
pub(crate) trait Resident: Send + Sync {
    fn id(&self) -> SocketId;
    fn user(&self) -> &UserId;
    /// Whether its client was authenticated.
    fn is_known(&self) -> bool;
    fn credential(&self) -> Credential;
    fn lease(&self) -> Option<Arc<dyn Lease>>;
    /// Whether its credential outlives what was revoked.
    fn holds(&self, epoch: &RevocationState) -> bool;
    /// Asks the link to end it; nothing that waits to be sent to it is sent any more.
    fn cut(&self, reason: DisconnectReason);
    /// Completes when it has ended.
    fn closed(&self) -> BoxFuture<'_, ()>;
    /// Looks its principal up again and acts on what it may now.
    fn reload(&self) -> BoxFuture<'_, Reloaded>;
    fn describe(&self) -> SocketInfo;
}

/// A connected socket, as operators and other nodes see it.
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
    /// The public id of the socket.
    pub socket: SocketId,
    /// Which of them share a link: those with the same number.
    pub link: u64,
    /// Where.
    pub namespace: Arc<str>,
    /// Who; `anonymous` where nobody is authenticated.
    pub user: UserId,
    /// The session behind it. It does not print.
    pub session: Option<SessionId>,
    /// Since when, in wall time.
    pub connected_at: SystemTime,
    /// When it ends if nothing more happens.
    pub expires_at: Option<SystemTime>,
    /// From where, without the part of the address that names a household.
    pub network: Option<IpAddr>,
}

/// What has become of a socket whose principal was to be looked up again.
#[derive(Debug)]
pub(crate) enum Reloaded {
    /// It stays, with what it may now.
    Stays,
    /// It may not be here any more, and was told to go.
    Ends,
    /// Nobody could be asked, and nothing was changed.
    Undecided(BoxError),
}
