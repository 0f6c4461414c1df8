//! The words between a link and its driver: what has come, what to do, and why it is over.

use std::borrow::Cow;

use bytes::Bytes;

use super::SlotId;
use crate::{JsonError, engine::EngineError, packet::PacketError};

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
    /// The client leaves a namespace: the driver ends what it has there and calls [`Link::left`](crate::Link::left).
    Left(SlotId),
    /// A CONNECT whose `auth` is nested too deeply; it counts as refused.
    TooDeep {
        /// The namespace that was asked for.
        namespace: &'a str,
    },
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
    pub data: Cow<'a, str>,
    /// The bytes that placeholders in the array refer to.
    pub attachments: Vec<Bytes>,
}

/// The answer to an event of the server.
///
/// # Examples
/// ```
/// fn describe(ack: &doorward_protocol::Ack<'_>) -> String { format!("{}: {}", ack.id, ack.data) }
/// # drop(describe);
/// ```
#[derive(Clone, Debug)]
pub struct Ack<'a> {
    /// Where.
    pub slot: SlotId,
    /// Which event is answered.
    pub id: u64,
    /// The arguments: a JSON array, not nested too deeply.
    pub data: Cow<'a, str>,
    /// The bytes that placeholders in the array refer to.
    pub attachments: Vec<Bytes>,
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
    /// Decide it, then call [`admitted`](crate::Link::admitted) or [`refused`](crate::Link::refused).
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
    /// The attachments of a binary packet did not come in time: close the link as for a violation.
    NoAttachments,
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
    /// A binary packet with more attachments than it may have.
    #[error("too many attachments")]
    Attachments,
    /// A binary message that nobody waits for, or a binary packet while nobody is known.
    #[error("binary message")]
    Binary,
    /// No Engine.IO packet.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A packet before the attachments of the one before it have come.
    #[error("packet between attachments")]
    Interrupted,
    /// JSON that cannot be used.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// An event, ack or DISCONNECT before the client was admitted to its namespace.
    #[error("packet for a namespace the client is not in")]
    NotAdmitted,
    /// No Socket.IO packet.
    #[error(transparent)]
    Packet(#[from] PacketError),
    /// A binary packet whose attachments are too large together.
    #[error("binary packet is too large")]
    TooLarge,
    /// More bytes than an unauthenticated client may send.
    #[error("too many bytes before admission")]
    Unauthenticated,
}
