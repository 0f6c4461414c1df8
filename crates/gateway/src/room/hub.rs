//! Everybody in one namespace.

pub(crate) mod broadcast;

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use doorward_core::{BoxFuture, SocketId, UserId};
use doorward_protocol::{Arguments, Frame, RawArguments, packet};

use crate::{
    guard::authorise::Guards,
    presence::{principals::Principals, services::Services},
    room::{
        acks::AckIds,
        error::{EmitError, check_event},
        hub::broadcast::{Broadcast, Delivered},
        members::{Rooms, Target},
        policy::RoomPolicy,
        server_event::ServerEvent,
        socket::Socket,
    },
    runtime::catch::Caught,
};

/// Everybody in one namespace: send to them, find them, move them between rooms, end them.
///
/// Handlers and `on_init` take it as an argument, and sockets have it. Background tasks and routes get it from
/// [`Doorward::hub`](crate::Doorward::hub), and services that exist before the server from
/// [`Builder::hub`](crate::Builder::hub): until the server is built, what they send reaches no socket. It is cheap to
/// clone and may be kept.
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
///     hub.to("news").emit("headline", "Door opened, nobody seen")
/// });
/// doorward.serve("localhost:3000").await?;
/// # Ok(()) }
/// ```
pub struct Hub<P>(Arc<Inner<P>>);

struct Inner<P> {
    namespace: Arc<str>,
    /// Set when the server is built. Before that the namespace has no sockets, and nothing can be sent to it.
    mounted: OnceLock<Mounted<P>>,
    principals: Principals,
}

/// What the gateways of a namespace have in common.
pub(crate) struct Mounted<P> {
    pub(crate) services: Arc<Services>,
    pub(crate) rooms: Rooms<P>,
    /// Who is asked about connections and rooms.
    pub(crate) guards: Guards<P>,
    pub(crate) policies: Vec<RoomPolicy<P>>,
    pub(crate) outgoing: Vec<OutgoingListener>,
    pub(crate) server_events: Vec<(Arc<str>, ServerListener<P>)>,
    pub(crate) ack_ids: AckIds,
    /// It was said that no policy covers a room.
    pub(crate) warned: AtomicBool,
    /// It was said that a client is in too many rooms.
    pub(crate) warned_of_rooms: AtomicBool,
}

/// Told of every event that is sent.
pub(crate) type OutgoingListener = Box<dyn Fn(&Outgoing<'_>) + Send + Sync>;

/// Told of an event of a server.
pub(crate) type ServerListener<P> =
    Box<dyn Fn(Hub<P>, RawArguments) -> BoxFuture<'static, ()> + Send + Sync>;

/// An event on its way to clients, as a listener sees it: once, however many there are.
///
/// # Examples
/// ```
/// fn line(outgoing: &doorward::room::Outgoing<'_>) -> String {
///     format!("{} {}", outgoing.event, outgoing.arguments.json())
/// }
/// # drop(line);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Outgoing<'a> {
    /// In which namespace.
    pub namespace: &'a str,
    /// What it is called.
    pub event: &'a str,
    /// What it carries.
    pub arguments: &'a RawArguments,
    /// To whom; empty for everybody. Who is left out with `except` is not told.
    pub targets: &'a [Target],
}

impl<P> Hub<P> {
    /// Makes the hub of a namespace in which no gateway is mounted yet.
    pub(crate) fn new(namespace: Arc<str>, principals: Principals) -> Self {
        Self(Arc::new(Inner { namespace, mounted: OnceLock::new(), principals }))
    }

    /// Fills the namespace; only the first call does anything.
    pub(crate) fn mount(&self, mounted: Mounted<P>) {
        self.0.mounted.get_or_init(|| mounted);
    }

    pub(crate) fn is_mounted(&self) -> bool {
        self.0.mounted.get().is_some()
    }

    /// Returns the namespace as sockets know it: there are none before it is mounted.
    fn mounted(&self) -> &Mounted<P> {
        self.0.mounted.get().expect("a namespace with sockets is mounted")
    }

    /// The namespace, with its leading slash.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// Begins with everybody in the namespace; as in Socket.IO, the first `to` narrows it. For a list
    /// that may be empty take [`Hub::to_each`].
    pub fn all(&self) -> Broadcast<P> {
        Broadcast::new(self.clone())
    }

    /// Begins with everybody in a room, a socket by its id, or all sockets of a user; `to` again adds
    /// more, and nobody gets it twice.
    pub fn to(&self, target: impl Into<Target>) -> Broadcast<P> {
        self.all().to(target)
    }

    /// Begins with all sockets of a user: `hub.to_user("alice")`.
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

    /// Begins with nobody and adds each of these: without any of them nobody gets it.
    pub fn to_each<T: Into<Target>>(&self, targets: impl IntoIterator<Item = T>) -> Broadcast<P> {
        Broadcast::to_each(self.clone(), targets.into_iter().map(Into::into).collect())
    }

    /// Begins with everybody but these.
    pub fn except(&self, target: impl Into<Target>) -> Broadcast<P> {
        self.all().except(target)
    }

    /// Sends an event to everybody in the namespace and returns to how many.
    ///
    /// # Errors
    /// As [`Broadcast::emit`].
    pub fn emit(&self, event: &str, arguments: impl Arguments) -> Result<Delivered, EmitError> {
        self.all().emit(event, arguments)
    }

    /// Sends a typed event to everybody in the namespace and returns to how many.
    ///
    /// # Errors
    /// As [`Broadcast::emit`].
    pub fn emit_event<E: ServerEvent>(&self, event: &E) -> Result<Delivered, EmitError> {
        self.all().emit_event(event)
    }

    /// Returns a socket of this node by its id.
    #[must_use]
    pub fn local_socket(&self, id: SocketId) -> Option<Socket<P>> {
        self.0.mounted.get()?.rooms.socket(id)
    }

    /// Who is connected, in whatever namespace, and the power to end it.
    #[must_use]
    pub fn principals(&self) -> Principals {
        self.0.principals.clone()
    }

    /// How many rooms somebody is in.
    #[must_use]
    pub fn rooms_in_use(&self) -> usize {
        self.0.mounted.get().map_or(0, |mounted| mounted.rooms.count())
    }

    pub(crate) fn services(&self) -> &Services {
        &self.mounted().services
    }

    pub(crate) fn rooms(&self) -> &Rooms<P> {
        &self.mounted().rooms
    }

    pub(crate) fn guards(&self) -> &Guards<P> {
        &self.mounted().guards
    }

    pub(crate) fn policies(&self) -> &[RoomPolicy<P>] {
        &self.mounted().policies
    }

    pub(crate) fn is_first_without_policy(&self) -> bool {
        !self.mounted().warned.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn is_first_in_too_many_rooms(&self) -> bool {
        !self.mounted().warned_of_rooms.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn next_ack(&self) -> u64 {
        self.mounted().ack_ids.next()
    }

    /// Writes an event once, for however many clients.
    pub(crate) fn frame(
        &self,
        event: &str,
        ack: Option<u64>,
        arguments: &impl Arguments,
        targets: &(impl AsTargets + ?Sized),
    ) -> Result<Frame, EmitError> {
        check_event(event)?;
        if !self.mounted().outgoing.is_empty() {
            self.tell_listeners(event, &RawArguments::new(arguments)?, targets.as_targets());
        }
        let write =
            |out: &mut Vec<u8>| packet::write_event(out, self.namespace(), ack, event, arguments);
        let frame = Frame::packet(write)?;
        // It would end every link that it is sent to.
        if frame.len() > self.services().limits.outbox / 2 {
            return Err(EmitError::TooLarge);
        }
        Ok(frame)
    }

    fn tell_listeners(&self, event: &str, arguments: &RawArguments, targets: &[Target]) {
        let outgoing = Outgoing { namespace: self.namespace(), event, arguments, targets };
        for listener in &self.mounted().outgoing {
            if crate::runtime::catch::catch(|| listener(&outgoing)).is_err() {
                tracing::error!(?event, "A listener of outgoing events panicked.");
            }
        }
    }
}

impl<P: Send + Sync + 'static> Hub<P> {
    /// Tells every server of this namespace, and completes when the listeners of this one are done.
    ///
    /// Listeners are added with [`Gateway::on_server_event`](crate::Gateway::on_server_event). Unlike
    /// Node's, the server that sends is told too, so that one server and many behave the same.
    ///
    /// # Errors
    /// [`EmitError::Payload`]: `arguments` cannot be written as JSON.
    ///
    /// # Cancel safety
    /// Dropping the future stops listeners that are not done.
    pub async fn server_side_emit(
        &self,
        event: &str,
        arguments: impl Arguments,
    ) -> Result<(), EmitError> {
        let arguments = RawArguments::new(&arguments)?;
        let Some(mounted) = self.0.mounted.get() else { return Ok(()) };
        for (_, listener) in mounted.server_events.iter().filter(|(name, _)| &**name == event) {
            let told = Caught::new(async { listener(self.clone(), arguments.clone()).await });
            let services = self.services();
            match services.within(services.limits.handler_timeout, told).await {
                Some(Ok(())) => {}
                Some(Err(_)) => tracing::error!(?event, "A listener of server events panicked."),
                None => tracing::error!(?event, "A listener of server events hangs."),
            }
        }
        Ok(())
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

/// One target, or several.
pub(crate) trait AsTargets {
    fn as_targets(&self) -> &[Target];
}

impl AsTargets for Target {
    fn as_targets(&self) -> &[Target] {
        std::slice::from_ref(self)
    }
}

impl AsTargets for [Target] {
    fn as_targets(&self) -> &[Target] {
        self
    }
}
