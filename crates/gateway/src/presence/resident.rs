//! A socket as those see it who may end it, with the type of its principal forgotten.

use std::{net::IpAddr, sync::Arc, time::SystemTime};

use doorward_core::{
    BoxFuture, DisconnectReason, Epoch, Lease, SessionId, SocketId, UserId, network_prefix,
};
use doorward_protocol::Trust;

use crate::{
    admission::renewal::{self, Reloaded},
    presence::{access::Credential, mailbox::Letter},
    room::connection::Connection,
};

/// A socket that is admitted, or about to be.
pub(crate) trait Resident: Send + Sync {
    fn id(&self) -> SocketId;
    fn user(&self) -> &UserId;
    /// Whether its client was authenticated.
    fn is_known(&self) -> bool;
    fn credential(&self) -> Credential;
    fn lease(&self) -> Option<Arc<dyn Lease>>;
    /// Whether its credential outlives what was revoked.
    fn holds(&self, epoch: &Epoch) -> bool;
    /// Asks the link to end it; nothing that waits to be sent to it is sent any more.
    fn cut(&self, reason: DisconnectReason);
    /// Completes when it has ended.
    fn closed(&self) -> BoxFuture<'_, ()>;
    /// Looks its principal up again and acts on what it may now.
    fn reload(&self) -> BoxFuture<'_, Reloaded>;
    fn describe(&self) -> ConnectionInfo;
}

/// One live connection, as an operator sees it.
///
/// # Examples
/// ```
/// fn line(connection: &doorward::ConnectionInfo) -> String {
///     format!("{} {:?} {}", connection.socket, connection.user, connection.namespace)
/// }
/// # drop(line);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectionInfo {
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

impl<P: Send + Sync + 'static> Resident for Connection<P> {
    fn id(&self) -> SocketId {
        Self::id(self)
    }

    fn user(&self) -> &UserId {
        Self::user(self)
    }

    fn is_known(&self) -> bool {
        self.trust() == Trust::Known
    }

    fn credential(&self) -> Credential {
        self.access().credential.clone()
    }

    fn lease(&self) -> Option<Arc<dyn Lease>> {
        self.access().lifetime.lease.clone()
    }

    fn holds(&self, epoch: &Epoch) -> bool {
        self.access().credential.holds(self.user(), epoch)
    }

    fn cut(&self, reason: DisconnectReason) {
        // Nobody is there to be ended when the letter cannot be posted.
        let _posted = self.link().post(Letter::End { socket: self.id(), reason, cut: true });
    }

    fn closed(&self) -> BoxFuture<'_, ()> {
        Box::pin(Self::closed(self))
    }

    fn reload(&self) -> BoxFuture<'_, Reloaded> {
        Box::pin(renewal::reload(self))
    }

    fn describe(&self) -> ConnectionInfo {
        let access = self.access();
        ConnectionInfo {
            socket: self.id(),
            link: self.link().number(),
            namespace: self.namespace().into(),
            user: self.user().clone(),
            session: access.credential.session.clone(),
            connected_at: self.connected_at(),
            expires_at: access.lifetime.expires_at(),
            network: self.request().peer().map(|peer| network_prefix(peer.ip())),
        }
    }
}
