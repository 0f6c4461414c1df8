//! An admitted client in one namespace, as the application sees it.

pub(crate) mod emit;
pub(crate) mod rooms;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
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
        access::Access,
        mailbox::{Letter, LinkHandle},
        resident::SocketInfo,
        services::Subject,
    },
    room::{
        acks::AckTable,
        data::{DataMap, SocketData},
        hub::Hub,
    },
};

/// One admitted client in one namespace, with the application's own principal.
///
/// It is cheap to clone and may be kept; what is sent after its end goes nowhere.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// let gateway: Gateway<Claims> = Gateway::at("/").on_connect(|socket: Socket<Claims>| async move {
///     socket.emit("welcome", socket.principal().subject())?;
///     Ok(())
/// });
/// # drop(gateway);
/// ```
pub struct Socket<P>(Arc<Inner<P>>);

/// What a socket is made from.
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
    /// Replaced as a whole when a credential is refreshed, or the user's rights have changed.
    access: ArcSwap<Access<P>>,
    data: DataMap,
    /// Most sockets are never asked anything and pay one pointer.
    acks: OnceLock<Arc<AckTable>>,
    /// Protects the list of rooms; held for one change of it.
    joined: Mutex<Joined>,
    /// The client is told, or was told, that it is in.
    is_in: AtomicBool,
    ended: AtomicBool,
    closed: Notify,
}

/// What became of an exchange of what a socket stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replaced {
    Done,
    /// Somebody else was first.
    Late,
    /// It is in a room that was not judged.
    Unjudged,
}

/// The rooms of a socket.
#[derive(Default)]
struct Joined {
    rooms: Vec<Arc<str>>,
    /// How often what was allowed may have become wrong: it was taken out of a room, or its rights have
    /// changed.
    changes: u64,
    /// Nothing may be joined any more.
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
            is_in: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            closed: Notify::new(),
        }))
    }

    /// The public id of the socket: the client's `socket.id`. It opens nothing.
    #[must_use]
    pub fn id(&self) -> SocketId {
        self.0.parts.id
    }

    /// Whom the server acts for, at this moment: a refreshed credential, or a change of the user's
    /// rights, brings another one.
    #[must_use]
    pub fn principal(&self) -> Arc<P> {
        Arc::clone(&self.0.access.load().principal)
    }

    /// Who that is.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.0.parts.user
    }

    /// The session the credential belongs to, when it names one.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        self.0.access.load().credential.session.clone()
    }

    /// The namespace, with its leading slash.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.hub().namespace()
    }

    /// Everybody in the same namespace.
    #[must_use]
    pub fn hub(&self) -> &Hub<P> {
        &self.0.parts.hub
    }

    /// When the client was authenticated, in wall time.
    #[must_use]
    pub fn connected_at(&self) -> SystemTime {
        self.0.parts.connected_at
    }

    /// The HTTP request that opened the link. The `auth` payload is not kept.
    #[must_use]
    pub fn request(&self) -> &HandshakeRequest {
        &self.0.parts.request
    }

    pub(crate) fn shared_request(&self) -> &Arc<HandshakeRequest> {
        &self.0.parts.request
    }

    /// Returns the value of type `T` that belongs to this socket.
    #[must_use]
    pub fn data<T: Default + Send + Sync + 'static>(&self) -> SocketData<T> {
        self.0.data.get()
    }

    /// Ends this socket: the client reads `io server disconnect` and stays away.
    pub fn disconnect(&self) {
        self.end_for(DisconnectReason::ServerLeft);
    }

    /// Whether the socket has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.ended.load(Ordering::Acquire)
    }

    /// Completes when the socket has ended, whatever the reason; at once when it already has.
    ///
    /// # Cancel safety
    /// Dropping the future forgets the wait and nothing else.
    pub async fn closed(&self) {
        let notified = self.0.closed.notified();
        if !self.is_closed() {
            notified.await;
        }
    }

    /// Asks the link to end this socket.
    pub(crate) fn end_for(&self, reason: DisconnectReason) {
        // Nobody is there to be ended when the letter cannot be posted.
        let _posted = self.link().post(Letter::End { socket: self.id(), reason, cut: false });
    }

    /// The socket has ended: nothing of it stays in any room, and nobody waits for it.
    pub(crate) fn end(&self) {
        // Whoever sees that it has ended finds it nowhere.
        self.leave_everything();
        self.0.ended.store(true, Ordering::Release);
        if let Some(acks) = self.0.acks.get() {
            acks.end();
        }
        self.0.closed.notify_waiters();
    }

    /// Puts a question to guards, about what the client may at this moment.
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

    /// What the socket stands on at this moment.
    pub(crate) fn access(&self) -> Arc<Access<P>> {
        self.0.access.load_full()
    }

    pub(crate) fn trust(&self) -> Trust {
        self.0.parts.trust
    }

    pub(crate) fn link(&self) -> &Arc<LinkHandle> {
        &self.0.parts.link
    }

    /// What an audit record says of this socket.
    pub(crate) fn subject<'a>(&'a self, action: Action<'a>) -> Subject<'a> {
        Subject {
            action: Some(action),
            namespace: Some(self.namespace()),
            user: Some(self.user()),
            session: self.session(),
            socket: Some(self.id()),
            peer: self.request().peer().map(|peer| peer.ip()),
            fault: None,
        }
    }

    /// The questions of this socket; one that is made behind its end has ended too.
    pub(crate) fn acks(&self) -> &Arc<AckTable> {
        let acks = self.0.acks.get_or_init(Arc::default);
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

/// Prints who and where, and neither principal nor request.
impl<P> fmt::Debug for Socket<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("id", &self.id())
            .field("namespace", &self.namespace())
            .field("user", self.user())
            .finish_non_exhaustive()
    }
}
