//! Selects sockets of a namespace, and sends to all of them at once.
//!
//! An event is encoded once, and all links share the packet. Packets are posted to the mailboxes of
//! the links, so sending never waits for a client. Start reading at [`Broadcast::emit`].

mod acks;
mod sockets;

use std::{collections::HashSet, time::Duration};

use doorward_core::SocketId;
use doorward_protocol::Arguments;

use crate::{
    bus::{
        selection::{Named, Selection},
        target::Target,
    },
    room::{
        error::EmitError, hub::Hub, members::Snapshot, server_event::ServerEvent, socket::Socket,
    },
};

/// Selection of sockets in a namespace. It can send to these sockets, move them between rooms, or
/// disconnect them.
///
/// [`Hub::all`], [`Hub::to`] and [`Socket::to`] create a broadcast. [`to`](Broadcast::to) adds
/// targets, [`except`](Broadcast::except) excludes sockets, and [`emit`](Broadcast::emit) sends an
/// event. A socket that several targets select receives the event once.
///
/// The sockets are looked up when an event is sent, so a broadcast may be kept and used again.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// async fn say(me: Socket<Claims>, Payload(text): Payload<String>) -> Result<(), EmitError> {
///     me.to("lobby").except("muted").emit("said", (me.user().as_str(), text))?;
///     Ok(())
/// }
///
/// let gateway: Gateway<Claims> =
///     Gateway::at("/").room("lobby", |_| async { true }).on("say", say);
/// ```
#[must_use = "nothing is sent before `emit`"]
pub struct Broadcast<P> {
    pub(super) hub: Hub<P>,
    /// Targets of the event. `None` selects the whole namespace.
    to: Option<Vec<Target>>,
    except: Vec<Target>,
    /// Socket of the client on whose behalf the event is sent. Such an event may be sent only to
    /// rooms that the socket has joined.
    speaker: Option<Socket<P>>,
    pub(super) is_volatile: bool,
    /// `true` if only sockets of this node are selected.
    is_local: bool,
    timeout: Option<Duration>,
}

impl<P> Broadcast<P> {
    pub(super) fn new(hub: Hub<P>) -> Self {
        let (to, except, speaker) = (None, Vec::new(), None);
        Self { hub, to, except, speaker, is_volatile: false, is_local: false, timeout: None }
    }

    pub(super) fn to_each(hub: Hub<P>, targets: Vec<Target>) -> Self {
        Self { to: Some(targets), ..Self::new(hub) }
    }

    /// Returns the sockets of this node that another node has selected. Returns `None` if the selection
    /// cannot be read.
    pub(super) fn of(hub: &Hub<P>, selection: &Selection) -> Option<Self> {
        let read = |named: &Vec<Named>| named.iter().map(Named::target).collect::<Option<_>>();
        let to = match &selection.to {
            Some(to) => Some(read(to)?),
            None => None,
        };
        let except = read(&selection.except)?;
        Some(Self { to, except, is_local: true, ..Self::new(hub.clone()) })
    }

    /// Sends on behalf of the client of `speaker`. Sending then fails if `speaker` has ended, or
    /// has not joined a room among the targets.
    pub(crate) fn spoken_by(self, speaker: &Socket<P>) -> Self {
        Self { speaker: Some(speaker.clone()), ..self }
    }

    /// Adds a target to the selection.
    ///
    /// If the whole namespace is selected ([`Hub::all`], [`Hub::except`]), the first target narrows
    /// the selection to the sockets of this target. Each further target adds sockets. A socket that
    /// is selected twice receives the event once.
    pub fn to(mut self, target: impl Into<Target>) -> Self {
        self.to.get_or_insert_default().push(target.into());
        self
    }

    /// Excludes the sockets of a target from the selection.
    pub fn except(mut self, target: impl Into<Target>) -> Self {
        self.except.push(target.into());
        self
    }

    /// Skips the clients that do not keep up with their packets, instead of queueing the event for
    /// them.
    ///
    /// Use it for events that the next event makes obsolete, such as positions.
    pub fn volatile(self) -> Self {
        Self { is_volatile: true, ..self }
    }

    /// Selects only sockets of this node.
    ///
    /// Use it for what every node tells its own clients, such as a change of the
    /// [presence](Hub::presence).
    pub fn local(self) -> Self {
        Self { is_local: true, ..self }
    }

    /// Sets the time for which [`emit_with_ack`](Broadcast::emit_with_ack) waits for acks. The
    /// default is [`Limits::ack_timeout`](crate::Limits::ack_timeout).
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Sends an event. Returns the number of sockets of this node for which it was queued.
    ///
    /// The sockets of this node come first. If the server is a node of a cluster, the event is then
    /// sent to the other nodes, without waiting for them. Such an event may be lost, for example
    /// while the bus is away. `doorward_bus_dropped_total` counts the losses that a node notices.
    ///
    /// The event is encoded once for all sockets. For each client it is queued after everything
    /// that was sent before, and the call does not wait for the client. A tuple is sent as several
    /// arguments (see [`Arguments`]).
    ///
    /// # Errors
    /// In each of these cases, nothing was sent.
    /// - [`EmitError::Ended`]: the broadcast was created by a socket that has ended.
    /// - [`EmitError::NotThere`]: the broadcast was created by a socket that has not joined one of
    ///   the rooms.
    /// - [`EmitError::Payload`]: `arguments` cannot be written as JSON. This is a mistake of the
    ///   program.
    /// - [`EmitError::Reserved`]: the event name is reserved, such as `disconnect`.
    /// - [`EmitError::TooLarge`]: the event is larger than half of
    ///   [`Limits::outbox`](crate::Limits::outbox).
    #[expect(clippy::needless_pass_by_value, reason = "a reference is a value as well")]
    pub fn emit(&self, event: &str, arguments: impl Arguments) -> Result<Delivered, EmitError> {
        self.check_speaker()?;
        if !self.hub.is_mounted() {
            return Ok(Delivered { local: 0 });
        }
        let frame = self.hub.frame(event, None, &arguments, self.targets())?;
        let mut local = 0;
        self.for_each(|socket| {
            local += usize::from(socket.deliver(frame.clone(), self.is_volatile));
        });
        if !self.is_local {
            let (to, except, is_volatile) = (self.to.as_deref(), &self.except, self.is_volatile);
            self.hub.relay_event(to, except, &frame, is_volatile);
            self.hub.bridge_event(to, except, event, &arguments, is_volatile);
        }
        Ok(Delivered { local })
    }

    /// Sends a typed event, whose only argument is the struct. Returns the number of sockets for
    /// which it was queued.
    ///
    /// # Errors
    /// Same as [`Broadcast::emit`].
    pub fn emit_event<E: ServerEvent>(&self, event: &E) -> Result<Delivered, EmitError> {
        self.emit(E::NAME, (event,))
    }

    /// Returns the selected sockets of this node, with their principals and [data](Socket::data).
    #[must_use]
    pub fn local_sockets(&self) -> Vec<Socket<P>> {
        let mut sockets = Vec::new();
        if self.hub.is_mounted() {
            self.for_each(|socket| sockets.push(socket.clone()));
        }
        sockets
    }

    /// Checks that the client on whose behalf the event is sent may send to every target. Fails if
    /// its socket has ended, or is not in a room among the targets.
    fn check_speaker(&self) -> Result<(), EmitError> {
        let Some(speaker) = &self.speaker else { return Ok(()) };
        if speaker.is_closed() {
            return Err(EmitError::Ended);
        }
        let is_heard = |target: &Target| match target {
            Target::Room(room) => speaker.is_in(room),
            // A string is always a room, so a client cannot have chosen this target.
            Target::Socket(_) | Target::User(_) => true,
        };
        if self.targets().iter().all(is_heard) { Ok(()) } else { Err(EmitError::NotThere) }
    }

    /// Returns the targets. The slice is empty if the whole namespace is selected.
    fn targets(&self) -> &[Target] {
        self.to.as_deref().unwrap_or_default()
    }

    /// Calls `f` once for each selected socket.
    pub(super) fn for_each(&self, mut f: impl FnMut(&Socket<P>)) {
        // No lock is held while `f` runs, because `f` may take the lock of a mailbox for each
        // socket. A socket that leaves a room after the snapshot may therefore still receive the
        // event.
        let left_out = self.left_out();
        let rooms = self.hub.rooms();
        let mut parts = match &self.to {
            None => rooms.all(),
            Some(targets) => targets.iter().map(|target| rooms.snapshot(target)).collect(),
        };
        // A single target contains each socket once, and so do the shards of the namespace.
        if self.targets().len() > 1 {
            parts = vec![without_doubles(&parts)];
        }
        for socket in parts.iter().flat_map(|part| part.iter()) {
            if !left_out.contains(socket.id()) {
                f(socket);
            }
        }
    }

    /// Returns the ids of the sockets that the targets in `except` exclude.
    fn left_out(&self) -> LeftOut {
        let mut left_out = LeftOut { one: None, others: HashSet::new() };
        for target in &self.except {
            match target {
                Target::Socket(id) if left_out.one.is_none() => left_out.one = Some(*id),
                Target::Socket(id) => drop(left_out.others.insert(*id)),
                target => {
                    let snapshot = self.hub.rooms().snapshot(target);
                    left_out.others.extend(snapshot.iter().map(Socket::id));
                }
            }
        }
        left_out
    }
}

/// Number of sockets for which an event was queued.
///
/// It does not confirm that a client has received the event. Use [`Broadcast::emit_with_ack`] for
/// that.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// fn has_readers(hub: &Hub<Claims>) -> Result<bool, EmitError> {
///     Ok(hub.to("news").emit("headline", "Door opened")?.local > 0)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivered {
    /// Number of sockets on this node. Sockets on other nodes are not counted.
    pub local: usize,
}

/// Sockets that are excluded from a broadcast.
///
/// Usually only the sender is excluded. The first excluded socket is therefore kept outside of the
/// set. If no other socket is excluded, nothing is allocated and no id is hashed.
struct LeftOut {
    one: Option<SocketId>,
    others: HashSet<SocketId>,
}

impl LeftOut {
    fn contains(&self, id: SocketId) -> bool {
        self.one == Some(id) || (!self.others.is_empty() && self.others.contains(&id))
    }
}

/// Returns the members of all snapshots, without duplicates.
fn without_doubles<P>(parts: &[Snapshot<P>]) -> Snapshot<P> {
    let mut seen = HashSet::new();
    let members = parts.iter().flat_map(|part| part.iter());
    members.filter(|member| seen.insert(member.id())).cloned().collect()
}

doorward_core::debug_fields!(Broadcast<P> { hub, to, except });
