//! Handle to all sockets of one namespace.
//!
//! `Builder::hub` returns a hub before its namespace is mounted, and `Builder::build` mounts the
//! namespace. Until then there are no sockets. Start reading at [`Hub::frame`].

mod bridged;
pub(crate) mod broadcast;
pub(crate) mod opened;
mod owning;
mod remote;
pub(crate) mod server_events;
pub(crate) mod serving;
mod tracked;

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use doorward_core::{BoxFuture, SocketId, UserId};
use doorward_protocol::{Arguments, Frame, RawArguments, packet};
use serde_json::value::RawValue;

use crate::{
    bus::{channels::Subscribed, target::Target},
    cluster::ownership::Ownerships,
    guard::authorise::Guards,
    presence::{principals::Principals, services::Services},
    room::{
        error::{EmitError, check_event},
        hub::{
            broadcast::{Broadcast, Delivered},
            opened::Opened,
        },
        members::Rooms,
        pattern::RoomPolicy,
        presence::PresenceChange,
        server_event::ServerEvent,
        socket::Socket,
    },
};

/// Handle to all sockets of one namespace.
///
/// Use a hub to send events, to find sockets, to move them between rooms, and to disconnect them.
/// It is cheap to clone and may be kept.
///
/// - Handlers and `on_init` take it as an argument, and [`Socket::hub`] returns it.
/// - Background tasks and routes of the application get it from
///   [`Doorward::hub`](crate::Doorward::hub).
/// - Services that are created before the server get it from [`Builder::hub`](crate::Builder::hub).
///   Events that they send before the server is built reach no socket.
///
/// # Examples
/// ```no_run
/// # #[tokio::main] async fn main() -> doorward::Result {
/// use doorward::prelude::*;
///
/// let doorward = Doorward::builder()
///     .authenticate(Jwt::hs256("a secret of at least 32 bytes ...")?)
///     .gateway(Gateway::at("/").room("news", |_| async { true }))
///     .build()?;
/// let hub = doorward.hub::<Claims>("/")?;
/// tokio::spawn(async move {
///     hub.to("news").emit("headline", "The doors are open")
/// });
/// doorward.serve("localhost:3000").await?;
/// # Ok(()) }
/// ```
pub struct Hub<P>(Arc<Inner<P>>);

struct Inner<P> {
    namespace: Arc<str>,
    /// State of the mounted namespace, set when the server is built. Before that the namespace has
    /// no sockets, and events reach no client.
    mounted: OnceLock<Mounted<P>>,
    principals: Principals,
    /// Entry of a namespace that a pattern has opened.
    opened: Option<Opened<P>>,
}

/// Listener for events of the server. Returns its answer as JSON, or `None` if it has none.
pub(crate) type ServerListener<P> =
    Box<dyn Fn(Hub<P>, RawArguments) -> BoxFuture<'static, Option<Box<RawValue>>> + Send + Sync>;

/// Configuration that all gateways of a namespace share, and all namespaces of a pattern.
pub(crate) struct Shared<P> {
    pub(crate) services: Arc<Services>,
    /// Guards for connections and rooms.
    pub(crate) guards: Guards<P>,
    pub(crate) policies: Vec<RoomPolicy<P>>,
    pub(crate) outgoing: Vec<OutgoingListener>,
    pub(crate) server_events: Vec<(Arc<str>, ServerListener<P>)>,
    /// Hooks for changes of the presence. Without a hook, the presence is not tracked.
    pub(crate) presence: Vec<PresenceHook<P>>,
    /// Names that this node owns.
    pub(crate) ownerships: Ownerships,
}

/// State of one mounted namespace.
struct Mounted<P> {
    shared: Arc<Shared<P>>,
    rooms: Rooms<P>,
    /// Channel of the namespace. Set when the first socket enters it, if the server has other nodes.
    channel: OnceLock<Subscribed>,
    /// Id of the next ack. Ids ascend. They need not be secret, because a socket accepts an ack
    /// only for an event that was sent to it.
    next_ack: AtomicU64,
    /// `true` if it was logged that no policy covers a room. This is logged only once, because
    /// clients choose the names of rooms and must not be able to fill the log.
    warned: AtomicBool,
    /// `true` if it was logged that a client is in too many rooms. This is logged only once.
    warned_of_rooms: AtomicBool,
}

/// Listener that is called for every event that is emitted. `Gateway::on_any_outgoing` adds it.
pub(crate) type OutgoingListener = Box<dyn Fn(&Outgoing<'_>) + Send + Sync>;

/// Hook for changes of the presence. `Gateway::on_presence` sets it.
pub(crate) type PresenceHook<P> =
    Box<dyn Fn(Hub<P>, PresenceChange) -> BoxFuture<'static, ()> + Send + Sync>;

/// An event that is about to be sent. Listeners receive it.
///
/// [`Gateway::on_any_outgoing`](crate::Gateway::on_any_outgoing) adds a listener. The listener is
/// called once for each emit, for any number of receivers, on the node that emits. For
/// [`Broadcast::emit_with_ack`], every other node of a cluster calls its listeners too.
///
/// # Examples
/// ```
/// fn line(outgoing: &doorward::room::Outgoing<'_>) -> String {
///     format!("{} {}", outgoing.event, outgoing.arguments.json())
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Outgoing<'a> {
    /// Namespace of the event, with its leading slash.
    pub namespace: &'a str,
    /// Name of the event.
    pub event: &'a str,
    /// Arguments of the event.
    pub arguments: &'a RawArguments,
    /// Targets of the event. The list is empty for the whole namespace, and for [`Hub::to_each`]
    /// without targets. Targets that [`Broadcast::except`] excludes are not listed.
    pub targets: &'a [Target],
}

impl<P> Hub<P> {
    /// Creates the hub of a namespace in which no gateway is mounted yet.
    pub(crate) fn new(namespace: Arc<str>, principals: Principals) -> Self {
        Self(Arc::new(Inner { namespace, mounted: OnceLock::new(), principals, opened: None }))
    }

    /// Mounts the namespace. Only the first call has an effect.
    pub(crate) fn mount(&self, shared: Arc<Shared<P>>) {
        self.0.mounted.get_or_init(|| Mounted::new(shared));
    }

    pub(crate) fn is_mounted(&self) -> bool {
        self.0.mounted.get().is_some()
    }

    /// Returns the state of the mounted namespace.
    ///
    /// # Panics
    /// Panics if the namespace is not mounted. Call it on behalf of a socket, or if
    /// [`is_mounted`](Hub::is_mounted) returns `true`.
    fn mounted(&self) -> &Mounted<P> {
        self.0.mounted.get().expect("a namespace with sockets is mounted")
    }

    /// Returns the name of the namespace, with its leading slash.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// Selects every socket of the namespace.
    ///
    /// As in Socket.IO, the first [`Broadcast::to`] narrows the selection to its target. If a list
    /// of targets may be empty, use [`Hub::to_each`], so that an empty list does not select every
    /// socket.
    pub fn all(&self) -> Broadcast<P> {
        Broadcast::new(self.clone())
    }

    /// Selects the sockets of a target, which is a room, a socket id or a user.
    ///
    /// [`Broadcast::to`] adds further targets. A socket that is selected twice receives the event
    /// once.
    ///
    /// # Examples
    /// ```
    /// use doorward::prelude::*;
    ///
    /// fn announce(hub: &Hub<Claims>, team: u64, text: &str) -> Result<(), EmitError> {
    ///     hub.to(format!("team:{team}")).to("admins").emit("announcement", text)?;
    ///     Ok(())
    /// }
    /// ```
    pub fn to(&self, target: impl Into<Target>) -> Broadcast<P> {
        self.all().to(target)
    }

    /// Selects all sockets of a user.
    ///
    /// # Examples
    /// ```
    /// use doorward::prelude::*;
    ///
    /// fn ship(hub: &Hub<Claims>, customer: &str, order: u32) -> Result<(), EmitError> {
    ///     hub.to_user(customer).emit("shipped", order)?;
    ///     Ok(())
    /// }
    /// ```
    pub fn to_user(&self, user: impl Into<UserId>) -> Broadcast<P> {
        self.to(Target::User(user.into()))
    }

    /// Selects the sockets of each target. Without targets, no socket is selected.
    pub fn to_each<T: Into<Target>>(&self, targets: impl IntoIterator<Item = T>) -> Broadcast<P> {
        Broadcast::to_each(self.clone(), targets.into_iter().map(Into::into).collect())
    }

    /// Selects every socket of the namespace except those of a target.
    pub fn except(&self, target: impl Into<Target>) -> Broadcast<P> {
        self.all().except(target)
    }

    /// Sends an event to every socket of the namespace. Returns the number of sockets for which it
    /// was queued.
    ///
    /// # Errors
    /// Same as [`Broadcast::emit`].
    pub fn emit(&self, event: &str, arguments: impl Arguments) -> Result<Delivered, EmitError> {
        self.all().emit(event, arguments)
    }

    /// Sends a typed event to every socket of the namespace. Returns the number of sockets for
    /// which it was queued.
    ///
    /// # Errors
    /// Same as [`Broadcast::emit`].
    pub fn emit_event<E: ServerEvent>(&self, event: &E) -> Result<Delivered, EmitError> {
        self.all().emit_event(event)
    }

    /// Returns the socket of this node that has this id. Returns `None` if there is no such socket,
    /// or if its admission has not completed.
    #[must_use]
    pub fn local_socket(&self, id: SocketId) -> Option<Socket<P>> {
        self.0.mounted.get()?.rooms.socket(id)
    }

    /// Returns the handle to find sockets of all namespaces and to revoke their access.
    #[must_use]
    pub fn principals(&self) -> Principals {
        self.0.principals.clone()
    }

    /// Returns the number of rooms that have at least one socket of this node.
    #[must_use]
    pub fn rooms_in_use(&self) -> usize {
        self.0.mounted.get().map_or(0, |mounted| mounted.rooms.count())
    }

    pub(crate) fn services(&self) -> &Services {
        &self.mounted().shared.services
    }

    pub(crate) fn rooms(&self) -> &Rooms<P> {
        &self.mounted().rooms
    }

    pub(crate) fn guards(&self) -> &Guards<P> {
        &self.mounted().shared.guards
    }

    pub(crate) fn policies(&self) -> &[RoomPolicy<P>] {
        &self.mounted().shared.policies
    }

    /// Returns `true` at the first call only, so that the missing policy is logged once.
    pub(crate) fn is_first_without_policy(&self) -> bool {
        !self.mounted().warned.swap(true, Ordering::Relaxed)
    }

    /// Returns `true` at the first call only, so that the reached limit is logged once.
    pub(crate) fn is_first_in_too_many_rooms(&self) -> bool {
        !self.mounted().warned_of_rooms.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn next_ack(&self) -> u64 {
        // JavaScript clients read the id as a number, which is exact up to 2^53. Reaching that
        // takes centuries.
        self.mounted().next_ack.fetch_add(1, Ordering::Relaxed)
    }

    /// Encodes an event as a packet that any number of links can share, and calls the listeners of
    /// outgoing events. Fails if the name of the event is reserved, if the arguments cannot be
    /// written as JSON, or if the packet is too large.
    pub(crate) fn frame(
        &self,
        event: &str,
        ack: Option<u64>,
        arguments: &impl Arguments,
        targets: &[Target],
    ) -> Result<Frame, EmitError> {
        check_event(event)?;
        // The arguments are serialised twice if there are listeners, and once otherwise.
        if !self.mounted().shared.outgoing.is_empty() {
            self.tell_listeners(event, &RawArguments::new(arguments)?, targets);
        }
        self.encode(event, ack, arguments)
    }

    /// Does the same as [`frame`](Hub::frame), without the check of the name and the listeners.
    fn encode(
        &self,
        event: &str,
        ack: Option<u64>,
        arguments: &impl Arguments,
    ) -> Result<Frame, EmitError> {
        let write =
            |out: &mut Vec<u8>| packet::write_event(out, self.namespace(), ack, event, arguments);
        let frame = Frame::packet(self.services().link_config.format, write)?;
        // A link that cannot queue a packet ends as a slow consumer. A single event must not end
        // the links of clients that read, so it may use at most half of the outbox.
        if frame.len() > self.services().limits.outbox / 2 {
            return Err(EmitError::TooLarge);
        }
        Ok(frame)
    }

    fn tell_listeners(&self, event: &str, arguments: &RawArguments, targets: &[Target]) {
        let outgoing = Outgoing { namespace: self.namespace(), event, arguments, targets };
        for listener in &self.mounted().shared.outgoing {
            // A panic of a listener must not prevent the event from being sent.
            if crate::runtime::catch::catch(|| listener(&outgoing)).is_err() {
                tracing::error!(?event, "A listener of outgoing events panicked.");
            }
        }
    }
}

impl<P> Mounted<P> {
    fn new(shared: Arc<Shared<P>>) -> Self {
        Self {
            shared,
            rooms: Rooms::new(),
            channel: OnceLock::new(),
            next_ack: AtomicU64::new(0),
            warned: AtomicBool::new(false),
            warned_of_rooms: AtomicBool::new(false),
        }
    }
}

impl<P> Clone for Hub<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P> fmt::Debug for Hub<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("namespace", &self.namespace()).finish_non_exhaustive()
    }
}
