//! Types that a link returns to its driver: received packets, admissions, deadlines and violations.

use std::borrow::Cow;

use bytes::Bytes;

use super::slots::SlotId;
use crate::{engine::EngineError, json::JsonError, msgpack::MsgpackError, packet::PacketError};

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
    /// The client closed the link with an Engine.IO close packet.
    Closed,
    /// The client sent a CONNECT although the link already has the maximum number of namespaces.
    /// The CONNECT counts as refused, and the driver answers it with an error.
    Crowded {
        /// Namespace that the client requested.
        namespace: Cow<'a, str>,
    },
    /// An event of an admitted client.
    Event(Event<'a>),
    /// The client leaves a namespace. The driver closes its socket there and calls
    /// [`Link::left`](crate::Link::left).
    Left(SlotId),
    /// The client sent a CONNECT whose `auth` is nested too deeply. The CONNECT counts as refused,
    /// and the driver answers it with an error.
    TooDeep {
        /// Namespace that the client requested.
        namespace: Cow<'a, str>,
    },
    /// Nothing to report. A CONNECT may have arrived, so the driver calls
    /// [`Link::poll_admission`](crate::Link::poll_admission).
    Nothing,
}

impl Received<'_> {
    /// Copies the borrowed data, and sets the attachments.
    pub(super) fn with_attachments(self, attachments: Vec<Bytes>) -> Received<'static> {
        match self {
            Self::Ack(Ack { slot, id, data, .. }) => {
                Received::Ack(Ack { slot, id, data: owned(data), attachments })
            }
            Self::Event(Event { slot, id, name, data, .. }) => {
                let (name, data) = (owned(name), owned(data));
                Received::Event(Event { slot, id, name, data, attachments })
            }
            Self::Crowded { namespace } => Received::Crowded { namespace: owned(namespace) },
            Self::TooDeep { namespace } => Received::TooDeep { namespace: owned(namespace) },
            Self::Closed => Received::Closed,
            Self::Left(slot) => Received::Left(slot),
            Self::Nothing => Received::Nothing,
        }
    }
}

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
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
    /// Slot of the namespace that the event belongs to.
    pub slot: SlotId,
    /// Id of the ack that the client requests. `None` if it requests no ack.
    pub id: Option<u64>,
    /// Name of the event. It is empty if the client's name is too long or contains a lone
    /// surrogate.
    pub name: Cow<'a, str>,
    /// The whole JSON array, including the name. It is valid JSON and not nested too deeply. If
    /// `name` is empty, it is `[""]` without arguments.
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
    /// Slot of the namespace that the ack belongs to.
    pub slot: SlotId,
    /// Id of the event that is answered. The client may send any number, so the driver must check
    /// it.
    pub id: u64,
    /// JSON array of the arguments. It is valid JSON and not nested too deeply.
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
    /// Refuse the CONNECT without authentication, because the budget for refusals is used up.
    Exhausted {
        /// Namespace of the CONNECT.
        slot: SlotId,
    },
    /// Decide the CONNECT, then call [`Link::admitted`](crate::Link::admitted) or
    /// [`Link::refused`](crate::Link::refused).
    Start {
        /// Namespace of the CONNECT.
        slot: SlotId,
        /// JSON text of the `auth` payload, as the client sent it.
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
    /// The attachments of a binary packet did not arrive in time. Close the link as for a
    /// [`Violation`].
    NoAttachments,
    /// No CONNECT arrived in time. Close the link.
    NoConnect,
    /// No pong arrived in time. Treat the client as dead.
    NoPong,
    /// Send a ping.
    Ping,
}

/// Protocol violation by the client. The link must be closed at once.
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
    /// A binary message that is not an attachment of a packet.
    #[error("binary message without its packet: this server does not use MessagePack")]
    Binary,
    /// A packet with bytes from an unauthenticated client.
    #[error("bytes before admission")]
    BinaryBeforeAdmission,
    /// A message that is not an Engine.IO packet.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A packet that arrived before all attachments of the previous packet.
    #[error("packet between attachments")]
    Interrupted,
    /// A packet with invalid JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A message that is not a packet in MessagePack.
    #[error(transparent)]
    Msgpack(#[from] MsgpackError),
    /// An event or ack for a namespace to which the client is not admitted, or a DISCONNECT for a
    /// namespace that it did not request.
    #[error("packet for a namespace the client is not in")]
    NotAdmitted,
    /// A message that is not a Socket.IO packet.
    #[error(transparent)]
    Packet(#[from] PacketError),
    /// A binary packet that is too large together with its attachments.
    #[error("binary packet is too large")]
    TooLarge,
    /// A Socket.IO packet as text, where clients use MessagePack.
    #[error("text packet: this server uses MessagePack, so pass socket.io-msgpack-parser to io()")]
    TextPacket,
    /// More bytes than an unauthenticated client may send.
    #[error("too many bytes before admission")]
    Unauthenticated,
}
