//! Implements [`Resident`] for sockets, so that revocations and re-checks can use sockets without
//! the type of their principal.

use std::sync::Arc;

use doorward_core::{BoxFuture, DisconnectReason, Lease, RevocationState, SocketId, UserId};
use doorward_protocol::Trust;

use crate::{
    admission::refresh,
    presence::{
        expiry::Credential,
        mailbox::Letter,
        resident::{Reloaded, Resident, SocketInfo},
    },
    room::socket::Socket,
};

impl<P: Send + Sync + 'static> Resident for Socket<P> {
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

    fn holds(&self, epoch: &RevocationState) -> bool {
        self.access().credential.holds(self.user(), epoch)
    }

    fn cut(&self, reason: DisconnectReason) {
        // A link that rejects the letter is closing, and ends its sockets anyway.
        let _posted = self.link().post(Letter::End { socket: self.id(), reason, cut: true });
    }

    fn closed(&self) -> BoxFuture<'_, ()> {
        Box::pin(Self::closed(self))
    }

    fn reload(&self) -> BoxFuture<'_, Reloaded> {
        Box::pin(refresh::reload(self))
    }

    fn describe(&self) -> SocketInfo {
        Self::describe(self)
    }
}
