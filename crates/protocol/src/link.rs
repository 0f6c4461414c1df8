//! The state of one link: who has asked to enter what, and how long it may go on like this.
//!
//! The driver shows every message to [`Link::receive`] and every passing of [`Link::deadline`] to
//! [`Link::handle_timeout`]; it starts the admissions that [`Link::poll_admission`] gives out and says
//! how they ended. Whether a message came by WebSocket or by polling is not known here, nor what an
//! admission is. Start reading at [`Link::receive`].

mod config;
mod heartbeat;
mod slots;

use std::{borrow::Cow, sync::Arc, time::Instant};

pub use config::LinkConfig;
use heartbeat::Heartbeat;
pub use slots::SlotId;
use slots::{Slots, State};

use crate::{
    JsonError, Message,
    engine::{self, EngineError},
    packet::{Kind, Packet, PacketError},
};

/// One Engine.IO connection, seen from the server.
///
/// # Examples
/// ```
/// use std::{sync::Arc, time::Instant};
/// use doorward_protocol::{Admission, Link, LinkConfig, Message, Received, Trust};
///
/// # #[expect(clippy::disallowed_methods)] fn now() -> Instant { Instant::now() }
/// let now = now();
/// let mut link = Link::open(Arc::new(LinkConfig::default()), now);
///
/// link.receive(Message::Text("40"), now)?;
/// let Some(Admission::Start { slot, .. }) = link.poll_admission() else { panic!("no admission") };
/// link.admitted(slot, Trust::Known);
///
/// let Received::Event(event) = link.receive(Message::Text(r#"42["hi"]"#), now)? else { panic!() };
/// assert_eq!(event.name, "hi");
/// # Ok::<_, doorward_protocol::Violation>(())
/// ```
#[derive(Debug)]
pub struct Link {
    config: Arc<LinkConfig>,
    heartbeat: Heartbeat,
    slots: Slots,
    /// When a CONNECT must have arrived; `None` while one is being decided or somebody is admitted.
    connect_by: Option<Instant>,
    /// Bytes received since nobody was admitted.
    unauthenticated_bytes: usize,
    refusals: usize,
    /// The server has ended a socket, so packets for it may still be on their way.
    has_ended: bool,
}

/// What a message turned out to be.
///
/// # Examples
/// ```
/// use doorward_protocol::Received;
///
/// assert!(matches!(Received::Nothing, Received::Nothing));
/// ```
#[derive(Debug)]
#[must_use]
pub enum Received<'a> {
    /// The answer to an event of the server.
    Ack(Ack<'a>),
    /// The client closed the link in order.
    Closed,
    /// A CONNECT beyond the number of namespaces a link may have; it counts as refused.
    Crowded {
        /// The namespace that was asked for.
        namespace: &'a str,
    },
    /// An event of an admitted client.
    Event(Event<'a>),
    /// The client leaves a namespace: the driver ends what it has there and calls [`Link::left`].
    Left(SlotId),
    /// Nothing that the driver must act on, except that an admission may be ready.
    Nothing,
}

/// An event of an admitted client.
///
/// # Examples
/// ```
/// fn describe(event: &doorward_protocol::Event<'_>) -> String {
///     format!("{} ({:?})", event.name, event.id)
/// }
/// # drop(describe);
/// ```
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// Where.
    pub slot: SlotId,
    /// The id under which the client expects an answer.
    pub id: Option<u64>,
    /// What it is called.
    pub name: Cow<'a, str>,
    /// The whole array, name included: it is JSON and not nested too deeply.
    pub data: &'a str,
}

/// The answer to an event of the server.
///
/// # Examples
/// ```
/// fn describe(ack: &doorward_protocol::Ack<'_>) -> String { format!("{}: {}", ack.id, ack.data) }
/// # drop(describe);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Ack<'a> {
    /// Where.
    pub slot: SlotId,
    /// Which event is answered.
    pub id: u64,
    /// The arguments: a JSON array, not nested too deeply.
    pub data: &'a str,
}

/// What to do about a CONNECT.
///
/// # Examples
/// ```
/// fn is_over(admission: &doorward_protocol::Admission) -> bool {
///     matches!(admission, doorward_protocol::Admission::Exhausted { .. })
/// }
/// # drop(is_over);
/// ```
#[derive(Debug)]
#[must_use]
pub enum Admission {
    /// The link has been refused too often: refuse without asking anybody.
    Exhausted {
        /// Where.
        slot: SlotId,
    },
    /// Decide it, then call [`Link::admitted`] or [`Link::refused`].
    Start {
        /// Where.
        slot: SlotId,
        /// The `auth` payload as it was sent.
        auth: Option<Box<str>>,
    },
}

/// How well a client is known in a namespace.
///
/// # Examples
/// ```
/// assert_ne!(doorward_protocol::Trust::Anonymous, doorward_protocol::Trust::Known);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It was let in without being asked: the limits of the unauthenticated stay.
    Anonymous,
    /// It was authenticated.
    Known,
}

/// What a deadline means.
///
/// # Examples
/// ```
/// assert_ne!(doorward_protocol::Timeout::Ping, doorward_protocol::Timeout::NoPong);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Timeout {
    /// No CONNECT came in time: close the link.
    NoConnect,
    /// No pong came in time: the client is gone.
    NoPong,
    /// Send a ping.
    Ping,
}

/// Why a link must be closed at once. Each is the client's fault.
///
/// # Examples
/// ```
/// use doorward_protocol::Violation;
///
/// assert_eq!(Violation::NotAdmitted.to_string(), "packet for a namespace the client is not in");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// An anonymous client sent more events than it may.
    #[error("too many anonymous events")]
    AnonymousBudget,
    /// A binary message or packet.
    #[error("binary message")]
    Binary,
    /// More CONNECTs than namespaces, and nobody admitted.
    #[error("too many namespaces before admission")]
    Crowded,
    /// No Engine.IO packet.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// JSON that cannot be used.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// An event, ack or DISCONNECT before the client was admitted to its namespace.
    #[error("packet for a namespace the client is not in")]
    NotAdmitted,
    /// No Socket.IO packet.
    #[error(transparent)]
    Packet(#[from] PacketError),
    /// More bytes than an unauthenticated client may send.
    #[error("too many bytes before admission")]
    Unauthenticated,
}

impl Link {
    /// Opens a link. The first ping is due one ping interval from `now`, a CONNECT much earlier.
    #[must_use]
    pub fn open(config: Arc<LinkConfig>, now: Instant) -> Self {
        Self {
            heartbeat: Heartbeat::start(&config, now),
            connect_by: Some(now + config.connect_timeout),
            slots: Slots::default(),
            unauthenticated_bytes: 0,
            refusals: 0,
            has_ended: false,
            config,
        }
    }

    /// Returns how long the next message may be, in bytes.
    #[must_use]
    pub fn message_limit(&self) -> usize {
        if self.is_known() { self.config.max_message } else { self.config.max_connect }
    }

    /// Counts bytes as they arrive, whatever they are.
    ///
    /// # Errors
    /// [`Violation::Unauthenticated`] when they are more than a client may send before it is known.
    pub fn count(&mut self, bytes: usize) -> Result<(), Violation> {
        if self.is_known() {
            return Ok(());
        }
        self.unauthenticated_bytes = self.unauthenticated_bytes.saturating_add(bytes);
        if self.unauthenticated_bytes > self.config.max_unauthenticated {
            return Err(Violation::Unauthenticated);
        }
        Ok(())
    }

    /// Takes one message of the client.
    ///
    /// # Errors
    /// [`Violation`] when the link must be closed.
    pub fn receive<'m>(
        &mut self,
        message: Message<'m>,
        now: Instant,
    ) -> Result<Received<'m>, Violation> {
        let Message::Text(text) = message else { return Err(Violation::Binary) };
        match engine::Packet::decode(text)? {
            engine::Packet::Close => Ok(Received::Closed),
            engine::Packet::Pong => {
                self.heartbeat.pong(&self.config, now);
                Ok(Received::Nothing)
            }
            engine::Packet::Message(text) => {
                self.packet(Packet::decode(text, self.config.max_namespace)?)
            }
        }
    }

    /// Returns the next CONNECT to decide.
    ///
    /// As many are given out at once as could be refused before the budget is used up, so no client
    /// ever costs more refused admissions than that; the others wait.
    #[must_use]
    pub fn poll_admission(&mut self) -> Option<Admission> {
        let slot = self.slots.first_waiting()?;
        let budget = self.config.max_refusals;
        if self.refusals >= budget {
            return Some(Admission::Exhausted { slot });
        }
        if self.refusals + self.slots.deciding() >= budget {
            return None;
        }
        Some(Admission::Start { slot, auth: self.slots.decide(slot) })
    }

    /// Says that the client is in.
    pub fn admitted(&mut self, slot: SlotId, trust: Trust) {
        self.slots.admit(slot, trust, self.config.max_anonymous_events);
    }

    /// Says that the client was refused.
    pub fn refused(&mut self, slot: SlotId) {
        self.slots.remove(slot);
        self.refusals = self.refusals.saturating_add(1);
    }

    /// Says that the server has ended the client's socket in a namespace; otherwise as [`Link::left`].
    pub fn ended(&mut self, slot: SlotId, now: Instant) {
        self.has_ended = true;
        self.left(slot, now);
    }

    /// Says that the client has left a namespace by itself. A link on which nobody is left is
    /// unauthenticated again.
    ///
    /// Who gives up an admission has used up an attempt, and only who was authenticated gets new
    /// bytes: otherwise a stranger could come and go for ever.
    pub fn left(&mut self, slot: SlotId, now: Instant) {
        match self.slots.state(slot) {
            State::Admitted { trust: Trust::Known, .. } => self.unauthenticated_bytes = 0,
            State::Admitted { trust: Trust::Anonymous, .. } => {}
            State::Deciding | State::Waiting { .. } => {
                self.refusals = self.refusals.saturating_add(1);
            }
        }
        self.slots.remove(slot);
        if self.slots.is_empty() {
            self.connect_by = Some(now + self.config.connect_timeout);
        }
    }

    /// Returns whether the link must be closed because it was refused: nothing on it is admitted or
    /// waits for a decision, or it goes on asking beyond all measure.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        let tolerated = if self.is_known() { TOLERATED_REFUSALS } else { 0 };
        self.refusals > 0
            && (self.slots.is_empty() || self.refusals > self.config.max_refusals + tolerated)
    }

    /// Returns how many namespaces the client is in or waits for.
    #[must_use]
    pub fn namespaces(&self) -> usize {
        self.slots.len()
    }

    /// Returns whether somebody on this link was authenticated.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.slots.any_known()
    }

    /// Returns the name of the namespace at `slot`.
    #[must_use]
    pub fn namespace(&self, slot: SlotId) -> &str {
        self.slots.name(slot)
    }

    /// Returns when [`Link::handle_timeout`] has something to say.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        [self.connect_by, self.heartbeat.deadline()].into_iter().flatten().min()
    }

    /// Tells what the passing of time means, one thing for each call.
    #[must_use]
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Timeout> {
        if self.connect_by.is_some_and(|deadline| deadline <= now) {
            return Some(Timeout::NoConnect);
        }
        self.heartbeat.handle_timeout(&self.config, now)
    }

    /// Stops the heartbeat while the driver does not read: a pong that is not read proves nothing.
    pub fn pause(&mut self, now: Instant) {
        self.heartbeat.pause(now);
    }

    /// Goes on with the heartbeat where it stopped.
    pub fn resume(&mut self, now: Instant) {
        self.heartbeat.resume(now);
    }

    fn packet<'m>(&mut self, packet: Packet<'m>) -> Result<Received<'m>, Violation> {
        if packet.kind == Kind::Connect {
            return self.connect(packet);
        }
        let Some(slot) = self.slots.find(packet.namespace) else {
            // The server may have ended that socket while this was on its way.
            let may_cross = self.has_ended && !self.slots.is_empty();
            return if self.slots.any_admitted() || may_cross {
                Ok(Received::Nothing)
            } else {
                Err(Violation::NotAdmitted)
            };
        };
        if packet.kind == Kind::Disconnect {
            return Ok(Received::Left(slot));
        }
        let State::Admitted { trust, events_left } = self.slots.state(slot) else {
            return Err(Violation::NotAdmitted);
        };
        let (trust, left) = (*trust, *events_left);
        if let (Kind::Ack, Some(id), Some(data)) = (packet.kind, packet.id, packet.data) {
            packet.check_ack(self.config.max_depth)?;
            return Ok(Received::Ack(Ack { slot, id, data }));
        }
        let name = packet.event(self.config.max_depth, self.config.max_event_name)?;
        if trust == Trust::Anonymous && !self.is_known() {
            let left = left.checked_sub(1).ok_or(Violation::AnonymousBudget)?;
            self.slots.set_events_left(slot, left);
        }
        let data = packet.data.ok_or(JsonError::Malformed)?;
        Ok(Received::Event(Event { slot, id: packet.id, name, data }))
    }

    fn connect<'m>(&mut self, packet: Packet<'m>) -> Result<Received<'m>, Violation> {
        packet.check_connect(self.config.max_depth)?;
        if self.slots.find(packet.namespace).is_some() {
            // Whoever asks again while the question is open, or answered, changes nothing.
            return Ok(Received::Nothing);
        }
        if self.slots.len() >= self.config.max_namespaces {
            self.refusals = self.refusals.saturating_add(1);
            return if self.slots.any_admitted() {
                Ok(Received::Crowded { namespace: packet.namespace })
            } else {
                Err(Violation::Crowded)
            };
        }
        self.connect_by = None;
        self.slots.insert(packet.namespace, packet.data);
        Ok(Received::Nothing)
    }
}

/// Refusals beyond the budget that a known client may collect: a program that asks in a loop is cut
/// off, one that tries a handful of namespaces is not.
const TOLERATED_REFUSALS: usize = 32;

#[cfg(test)]
mod tests;
