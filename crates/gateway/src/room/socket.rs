//! A client in one namespace.
//!
//! `emit` sends to the client, and `joining` changes the rooms and the access of the socket. The
//! link owns the transport. A socket only posts letters, which are messages to the task of the
//! link. Start reading at [`Socket::new`].

pub(crate) mod data;
pub(crate) mod emit;
pub(crate) mod joining;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock,
        atomic::{AtomicBool, Ordering, fence},
    },
    time::SystemTime,
};

use arc_swap::ArcSwap;
use doorward_core::{
    Action, DisconnectReason, GuardContext, HandshakeRequest, SessionId, SocketId, UserId, lock,
    network_prefix,
};
use doorward_protocol::Trust;
use tokio::sync::Notify;

use crate::{
    presence::{
        change::agent_of,
        expiry::Access,
        mailbox::{Letter, LinkHandle},
        resident::SocketInfo,
        services::Subject,
    },
    room::{
        acks::AckTable,
        hub::Hub,
        socket::data::{DataMap, SocketData},
    },
};

/// An authenticated client in one namespace.
///
/// Handlers and hooks take it as an argument. `P` is the type of the principal. A socket is cheap
/// to clone and may be kept. After it has ended, [`emit`](Socket::emit) returns
/// [`EmitError::Ended`](crate::event::EmitError::Ended).
///
/// In a namespace that is mounted with [`Builder::public`](crate::Builder::public) the client is
/// not authenticated, and the principal is [`Anonymous`](crate::auth::Anonymous).
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// let gateway: Gateway<Claims> = Gateway::at("/").on_connect(|socket: Socket<Claims>| async move {
///     socket.emit("welcome", socket.principal().subject())?;
///     Ok(())
/// });
/// ```
pub struct Socket<P>(Arc<Inner<P>>);

/// Values of a socket that never change after its creation.
pub(crate) struct Parts<P> {
    pub(crate) id: SocketId,
    pub(crate) hub: Hub<P>,
    pub(crate) user: UserId,
    pub(crate) trust: Trust,
    pub(crate) connected_at: SystemTime,
    pub(crate) request: Arc<HandshakeRequest>,
    pub(crate) link: Arc<LinkHandle>,
}

struct Inner<P> {
    parts: Parts<P>,
    /// Current access. The whole value is replaced when the client refreshes its credential, or
    /// when the rights of the user change. It is read without a lock, and replaced under the lock
    /// of `joined`.
    access: ArcSwap<Access<P>>,
    data: DataMap,
    /// Pending acks. The table is created by the first event that requests an ack. Most sockets
    /// never need it, and use the memory of one pointer only.
    acks: OnceLock<Arc<AckTable>>,
    /// Rooms of this socket. The lock is held for one change. It is taken before the lock of a
    /// shard of [`Rooms`](crate::room::members::Rooms), never after it.
    joined: Mutex<Joined>,
    /// `true` if the socket is in its namespace. The connect hooks have then returned, and the
    /// client receives the answer to CONNECT next.
    is_admitted: AtomicBool,
    ended: AtomicBool,
    /// Notified once, after `ended` is set.
    closed: Notify,
}

/// Result of an attempt to replace the access of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replaced {
    /// The access was replaced.
    Done,
    /// Another access was installed after the caller had read the old one. Nothing was changed.
    Late,
    /// The socket is in a room that was not checked. Nothing was changed.
    Unchecked,
}

/// Rooms of a socket.
#[derive(Default)]
struct Joined {
    rooms: Vec<Arc<str>>,
    /// Number of changes that may make an earlier verdict of guards and policies wrong. Removing
    /// the socket from a room is counted, and so is replacing its access.
    changes: u64,
    /// `true` if the socket has ended. It can then join no room.
    has_ended: bool,
    /// `true` while the socket counts towards the presence of its user.
    is_in: bool,
}

impl<P> Socket<P> {
    pub(crate) fn new(parts: Parts<P>, access: Access<P>) -> Self {
        Self(Arc::new(Inner {
            parts,
            access: ArcSwap::from_pointee(access),
            data: DataMap::default(),
            acks: OnceLock::new(),
            joined: Mutex::default(),
            is_admitted: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            closed: Notify::new(),
        }))
    }

    /// Returns the id of the socket, which is `socket.id` in the client. The id is public and not a
    /// credential.
    #[must_use]
    pub fn id(&self) -> SocketId {
        self.0.parts.id
    }

    /// Returns the current principal of the client.
    ///
    /// The principal is replaced when the client refreshes its credential, and when
    /// [`Principals::refresh`](crate::Principals::refresh) reloads the user. So do not keep the
    /// result, but call this method again.
    #[must_use]
    pub fn principal(&self) -> Arc<P> {
        Arc::clone(&self.0.access.load().principal)
    }

    /// Returns the id of the user. It never changes. All anonymous clients have the same id.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.0.parts.user
    }

    /// Returns the id of the session to which the credential refers, or `None` if it refers to no
    /// session.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        self.0.access.load().credential.session.clone()
    }

    /// Returns the name of the namespace, with its leading slash.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.hub().namespace()
    }

    /// Returns the hub of the namespace. Use it to send to other sockets on behalf of the server.
    #[must_use]
    pub fn hub(&self) -> &Hub<P> {
        &self.0.parts.hub
    }

    /// Returns the wall-clock time at which the client was authenticated.
    #[must_use]
    pub fn connected_at(&self) -> SystemTime {
        self.0.parts.connected_at
    }

    /// Returns the HTTP request that opened the Engine.IO connection. It contains neither the
    /// `auth` payload nor headers that may hold a credential, such as `Cookie`.
    #[must_use]
    pub fn request(&self) -> &HandshakeRequest {
        &self.0.parts.request
    }

    pub(crate) fn shared_request(&self) -> &Arc<HandshakeRequest> {
        &self.0.parts.request
    }

    /// Returns the value of type `T` that the application keeps on this socket. The first call
    /// creates it with `T::default()`.
    #[must_use]
    pub fn data<T: Default + Send + Sync + 'static>(&self) -> SocketData<T> {
        self.0.data.get()
    }

    /// Disconnects the client from this namespace. The client receives `io server disconnect`, and
    /// does not reconnect automatically.
    ///
    /// The call does not wait until the socket has ended. Use [`closed`](Socket::closed) for that.
    /// To prevent the client from connecting again, revoke its credential with
    /// [`Principals::revoke`](crate::Principals::revoke).
    pub fn disconnect(&self) {
        self.end_for(DisconnectReason::ServerLeft);
    }

    /// Returns `true` if the socket has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.ended.load(Ordering::Acquire)
    }

    /// Completes when the socket has ended for any reason. Completes at once if it has already
    /// ended.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect on the socket.
    pub async fn closed(&self) {
        // The future is created before the check. `notify_waiters` also wakes futures that were not
        // polled yet, so an end between the check and the first poll is not missed.
        let notified = self.0.closed.notified();
        if !self.is_closed() {
            notified.await;
        }
    }

    /// Tells the link to end this socket.
    pub(crate) fn end_for(&self, reason: DisconnectReason) {
        // A link that rejects the letter is closing, and ends its sockets anyway.
        let _posted = self.link().post(Letter::End { socket: self.id(), reason, cut: false });
    }

    /// Marks the socket as ended. Removes it from every room and from the namespace, and completes
    /// all futures that wait for its end or for its acks.
    pub(crate) fn end(&self) {
        // The rooms are left first, so that the socket is in no room when `is_closed` returns
        // `true`.
        self.leave_everything();
        self.0.ended.store(true, Ordering::Release);
        // `acks` creates the table and then reads the flag. This function sets the flag and then
        // looks for the table. The two fences ensure that one of them sees the change of the other,
        // so no table stays open.
        fence(Ordering::SeqCst);
        if let Some(acks) = self.0.acks.get() {
            acks.end();
        }
        self.0.closed.notify_waiters();
    }

    /// Returns the context with which guards check an action of this socket. `access` is the access
    /// to check, which may not be installed yet.
    pub(crate) fn asks<'a>(
        &'a self,
        access: &'a Access<P>,
        action: Action<'a>,
    ) -> GuardContext<'a, P> {
        let Parts { user, id, request, hub, .. } = &self.0.parts;
        let clock = &hub.services().clock;
        let (principal, now) = (&*access.principal, clock.now());
        GuardContext::new(action, principal, user, *id, hub.namespace(), request, now)
            .since_sign_in(access.credential.since_sign_in(clock.wall()))
    }

    /// Returns the current access.
    pub(crate) fn access(&self) -> Arc<Access<P>> {
        self.0.access.load_full()
    }

    pub(crate) fn trust(&self) -> Trust {
        self.0.parts.trust
    }

    pub(crate) fn link(&self) -> &Arc<LinkHandle> {
        &self.0.parts.link
    }

    /// Returns the subject of audit records about this socket.
    pub(crate) fn subject<'a>(&'a self, action: Option<Action<'a>>) -> Subject<'a> {
        Subject {
            action,
            namespace: Some(self.namespace()),
            user: Some(self.user()),
            session: self.session(),
            socket: Some(self.id()),
            peer: self.request().peer().map(|peer| peer.ip()),
            agent: agent_of(self.request().headers()),
            fault: None,
        }
    }

    /// Returns the table of the pending acks of this socket. If the socket has ended, all pending
    /// acks are cancelled.
    pub(crate) fn acks(&self) -> &Arc<AckTable> {
        let acks = self.0.acks.get_or_init(Arc::default);
        fence(Ordering::SeqCst);
        if self.is_closed() {
            acks.end();
        }
        acks
    }

    /// Returns a description of the socket for operators and other nodes.
    pub(crate) fn describe(&self) -> SocketInfo {
        let access = self.access();
        SocketInfo {
            socket: self.id(),
            link: self.link().number().get(),
            namespace: self.namespace().into(),
            user: self.user().clone(),
            session: access.credential.session.clone(),
            connected_at: self.connected_at(),
            expires_at: access.lifetime.expires_at(),
            network: self.request().peer().map(|peer| network_prefix(peer.ip())),
            agent: agent_of(self.request().headers()).map(Into::into),
            node: self.hub().services().node.clone(),
        }
    }

    fn joined(&self) -> MutexGuard<'_, Joined> {
        lock(&self.0.joined)
    }
}

impl<P> Clone for Socket<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Prints id, namespace and user only, because the principal and the request may contain secrets.
impl<P> fmt::Debug for Socket<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("id", &self.id())
            .field("namespace", &self.namespace())
            .field("user", self.user())
            .finish_non_exhaustive()
    }
}
