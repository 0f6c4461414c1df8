//! Types between a link and its driver: received packets, admissions, deadlines and violations.

use std::borrow::Cow;

use bytes::Bytes;

use super::slots::SlotId;
use crate::{engine::EngineError, json::JsonError, packet::PacketError};

/// Meaning of a received message.
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
    /// A CONNECT beyond the number of namespaces that a link may have; it counts as refused.
    Crowded {
        /// Namespace that the client asked for.
        namespace: &'a str,
    },
    /// An event of an admitted client.
    Event(Event<'a>),
    /// The client leaves a namespace. The driver closes its socket there and calls
    /// [`Link::left`](crate::Link::left).
    Left(SlotId),
    /// A CONNECT whose `auth` is nested too deeply; it counts as refused.
    TooDeep {
        /// Namespace that the client asked for.
        namespace: &'a str,
    },
    /// Nothing for the driver to do, except that an admission may be ready.
    Nothing,
}

/// An event of an admitted client.
///
/// # Examples
/// ```
/// fn describe(event: &doorward_protocol::Event<'_>) -> String {
///     format!("{} ({:?})", event.name, event.id)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// Namespace of the event.
    pub slot: SlotId,
    /// Id of the ack that the client asks for.
    pub id: Option<u64>,
    /// Name of the event.
    pub name: Cow<'a, str>,
    /// The whole array including the name. It is valid JSON and not nested too deeply.
    pub data: Cow<'a, str>,
    /// Attachments that placeholders in the array refer to.
    pub attachments: Vec<Bytes>,
}

/// The answer to an event of the server.
///
/// # Examples
/// ```
/// fn describe(ack: &doorward_protocol::Ack<'_>) -> String { format!("{}: {}", ack.id, ack.data) }
/// ```
#[derive(Clone, Debug)]
pub struct Ack<'a> {
    /// Namespace of the ack.
    pub slot: SlotId,
    /// Id of the event that is answered.
    pub id: u64,
    /// Arguments: a JSON array, not nested too deeply.
    pub data: Cow<'a, str>,
    /// Attachments that placeholders in the array refer to.
    pub attachments: Vec<Bytes>,
}

/// Instruction for a pending CONNECT.
///
/// # Examples
/// ```
/// fn is_over(admission: &doorward_protocol::Admission) -> bool {
///     matches!(admission, doorward_protocol::Admission::Exhausted { .. })
/// }
/// ```
#[derive(Debug)]
#[must_use]
pub enum Admission {
    /// Refuse it without authentication: the budget for refusals is used up.
    Exhausted {
        /// Namespace of the CONNECT.
        slot: SlotId,
    },
    /// Decide it, then call [`admitted`](crate::Link::admitted) or
    /// [`refused`](crate::Link::refused).
    Start {
        /// Namespace of the CONNECT.
        slot: SlotId,
        /// The `auth` payload as it was sent.
        auth: Option<Box<str>>,
    },
}

/// Meaning of an expired deadline.
///
/// # Examples
/// ```
/// assert_ne!(doorward_protocol::Timeout::Ping, doorward_protocol::Timeout::NoPong);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Timeout {
    /// The attachments of a binary packet did not arrive in time: close the link as for a
    /// violation.
    NoAttachments,
    /// No CONNECT arrived in time: close the link.
    NoConnect,
    /// No pong arrived in time: the client is dead.
    NoPong,
    /// Send a ping.
    Ping,
}

/// Error of the client after which the link must be closed at once.
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
    /// More events than an anonymous client may send.
    #[error("too many anonymous events")]
    AnonymousBudget,
    /// A binary packet with too many attachments.
    #[error("too many attachments")]
    Attachments,
    /// A binary message that belongs to no packet, or a binary packet from an unauthenticated
    /// client.
    #[error("binary message")]
    Binary,
    /// A message that is not an Engine.IO packet.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A packet before all attachments of the previous one have arrived.
    #[error("packet between attachments")]
    Interrupted,
    /// A packet with unusable JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// An event, ack or DISCONNECT before the client was admitted to its namespace.
    #[error("packet for a namespace the client is not in")]
    NotAdmitted,
    /// A message that is not a Socket.IO packet.
    #[error(transparent)]
    Packet(#[from] PacketError),
    /// A binary packet that is too large together with its attachments.
    #[error("binary packet is too large")]
    TooLarge,
    /// More bytes than an unauthenticated client may send.
    #[error("too many bytes before admission")]
    Unauthenticated,
}
