//! A client in one namespace, as the application sees it.
//!
//! `emit` sends to the client, `rooms` changes its rooms and its access. The link below the socket
//! owns the transport: a socket only posts letters to it. Start reading at [`Socket::new`].

pub(crate) mod data;
pub(crate) mod emit;
pub(crate) mod joining;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering, fence},
    },
    time::SystemTime,
};

use arc_swap::ArcSwap;
use doorward_core::{
    Action, DisconnectReason, GuardContext, HandshakeRequest, SessionId, SocketId, UserId,
    network_prefix,
};
use doorward_protocol::Trust;
use tokio::sync::Notify;

use crate::{
    presence::{
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

/// An authenticated client in one namespace, with the principal of the application.
///
/// Handlers and hooks take it as an argument. It is cheap to clone and may be kept: after the
/// socket has ended, [`emit`](Socket::emit) returns
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

/// Values of a socket that never change.
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
    /// Replaced as a whole when the client refreshes its credential, or when the rights of the user
    /// change. Reading it takes no lock; it is replaced under the lock of `joined`.
    access: ArcSwap<Access<P>>,
    data: DataMap,
    /// Created by the first event that asks for an ack. Most clients are never asked anything, and
    /// pay for one pointer.
    acks: OnceLock<Arc<AckTable>>,
    /// Protects the rooms of this socket; held for one change of them. It is taken before the lock
    /// of a shard of [`Rooms`](crate::room::members::Rooms), never after it.
    joined: Mutex<Joined>,
    /// `true` once the socket is in its namespace: the connect hooks have returned, and the client
    /// is sent the answer to CONNECT.
    is_admitted: AtomicBool,
    ended: AtomicBool,
    /// Notified once, after `ended` is set.
    closed: Notify,
}

/// Result of an attempt to replace the access of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replaced {
    Done,
    /// Another access was installed meanwhile. Nothing was changed.
    Late,
    /// The socket is in a room that was not checked. Nothing was changed.
    Unchecked,
}

/// Rooms of a socket.
#[derive(Default)]
struct Joined {
    rooms: Vec<Arc<str>>,
    /// Counts changes that may make an earlier verdict wrong: the socket was taken out of a room,
    /// or its access was replaced.
    changes: u64,
    /// `true` once the socket has ended: it joins no room any more.
    has_ended: bool,
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

    /// Returns the id of the socket: `socket.id` in the client. It is public, and no credential.
    #[must_use]
    pub fn id(&self) -> SocketId {
        self.0.parts.id
    }

    /// Returns the current principal of the client.
    ///
    /// It is replaced when the client refreshes its credential, and when
    /// [`Principals::refresh`](crate::Principals::refresh) reloads the user. Call it again in place
    /// of keeping the result.
    #[must_use]
    pub fn principal(&self) -> Arc<P> {
        Arc::clone(&self.0.access.load().principal)
    }

    /// Returns the id of the user. It never changes. All anonymous clients share one.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.0.parts.user
    }

    /// Returns the session of the credential; `None` if the credential names none.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        self.0.access.load().credential.session.clone()
    }

    /// Returns the name of the namespace, with its leading slash.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.hub().namespace()
    }

    /// Returns the hub of the namespace, to send to other sockets on behalf of the server.
    #[must_use]
    pub fn hub(&self) -> &Hub<P> {
        &self.0.parts.hub
    }

    /// Returns when the client was authenticated, in wall time.
    #[must_use]
    pub fn connected_at(&self) -> SystemTime {
        self.0.parts.connected_at
    }

    /// Returns the HTTP request that opened the link. The `auth` payload is not kept.
    #[must_use]
    pub fn request(&self) -> &HandshakeRequest {
        &self.0.parts.request
    }

    pub(crate) fn shared_request(&self) -> &Arc<HandshakeRequest> {
        &self.0.parts.request
    }

    /// Returns the state of type `T` that belongs to this socket. The first call creates it with
    /// `T::default()`.
    #[must_use]
    pub fn data<T: Default + Send + Sync + 'static>(&self) -> SocketData<T> {
        self.0.data.get()
    }

    /// Disconnects the client from this namespace. It receives `io server disconnect`, and does not
    /// reconnect on its own.
    ///
    /// The call does not wait; [`closed`](Socket::closed) does. To keep a client out, revoke its
    /// credential with [`Principals::revoke`](crate::Principals::revoke).
    pub fn disconnect(&self) {
        self.end_for(DisconnectReason::ServerLeft);
    }

    /// Returns `true` if the socket has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.ended.load(Ordering::Acquire)
    }

    /// Completes when the socket has ended for any reason; at once if it already has.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect on the socket.
    pub async fn closed(&self) {
        // Created before the check. `notify_waiters` also wakes futures that were not polled yet,
        // so an end between the check and the first poll is not missed.
        let notified = self.0.closed.notified();
        if !self.is_closed() {
            notified.await;
        }
    }

    /// Asks the link to end this socket.
    pub(crate) fn end_for(&self, reason: DisconnectReason) {
        // A link that rejects the letter is closing, and ends its sockets anyway.
        let _posted = self.link().post(Letter::End { socket: self.id(), reason, cut: false });
    }

    /// Marks the socket as ended: removes it from every room, and completes all futures that wait
    /// for it or for its answers.
    pub(crate) fn end(&self) {
        // The rooms are left first: once `is_closed` returns `true`, the socket is in no room.
        self.leave_everything();
        self.0.ended.store(true, Ordering::Release);
        // `acks` creates the table, then reads the flag; this sets the flag, then looks for the table.
        // With both fences one of the two sees the other, so no table stays open.
        fence(Ordering::SeqCst);
        if let Some(acks) = self.0.acks.get() {
            acks.end();
        }
        self.0.closed.notify_waiters();
    }

    /// Returns the context in which guards check an action of this socket, with a given access.
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
            fault: None,
        }
    }

    /// Returns the pending acks of this socket. Cancels them if the socket has closed.
    pub(crate) fn acks(&self) -> &Arc<AckTable> {
        let acks = self.0.acks.get_or_init(Arc::default);
        fence(Ordering::SeqCst);
        if self.is_closed() {
            acks.end();
        }
        acks
    }

    /// Describes the socket to operators and other nodes.
    pub(crate) fn describe(&self) -> SocketInfo {
        let access = self.access();
        SocketInfo {
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

    fn joined(&self) -> MutexGuard<'_, Joined> {
        self.0.joined.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P> Clone for Socket<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Prints id, namespace and user. The principal and the request may hold secrets.
impl<P> fmt::Debug for Socket<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("id", &self.id())
            .field("namespace", &self.namespace())
            .field("user", self.user())
            .finish_non_exhaustive()
    }
}
