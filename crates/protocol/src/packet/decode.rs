//! Decodes Socket.IO packets.

use std::{borrow::Cow, fmt};

use super::is_reserved;
use crate::json::{self, JsonError};

/// Type of a packet.
///
/// # Examples
/// ```
/// use doorward_protocol::packet::{Kind, Packet};
///
/// assert_eq!(Packet::decode("0", 255)?.kind, Kind::Connect);
/// # Ok::<_, doorward_protocol::packet::PacketError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The client requests to enter a namespace.
    Connect,
    /// The client leaves a namespace.
    Disconnect,
    /// An event.
    Event,
    /// The server refuses a CONNECT.
    ConnectError,
    /// An ack for an event of the server.
    Ack,
    /// An event with attachments.
    BinaryEvent,
    /// An ack with attachments.
    BinaryAck,
}

impl Kind {
    fn of(digit: char) -> Option<Self> {
        Some(match digit {
            '0' => Self::Connect,
            '1' => Self::Disconnect,
            '2' => Self::Event,
            '3' => Self::Ack,
            '4' => Self::ConnectError,
            '5' => Self::BinaryEvent,
            '6' => Self::BinaryAck,
            _ => return None,
        })
    }

    /// Returns the number of the type in the text format.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Connect => 0,
            Self::Disconnect => 1,
            Self::Event => 2,
            Self::Ack => 3,
            Self::ConnectError => 4,
            Self::BinaryEvent => 5,
            Self::BinaryAck => 6,
        }
    }

    /// Returns `true` if packets of the type have attachments.
    #[must_use]
    pub fn is_binary(self) -> bool {
        matches!(self, Self::BinaryEvent | Self::BinaryAck)
    }
}

/// A packet, borrowed from its text.
///
/// # Examples
/// ```
/// use doorward_protocol::packet::{Kind, Packet};
///
/// let packet = Packet::decode(r#"2/chat,7["say","hi"]"#, 255)?;
/// assert_eq!(packet.kind, Kind::Event);
/// assert_eq!((packet.namespace, packet.id), ("/chat", Some(7)));
/// assert_eq!(packet.data, Some(r#"["say","hi"]"#));
/// # Ok::<_, doorward_protocol::packet::PacketError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Type of the packet.
    pub kind: Kind,
    /// Name of the namespace. It is `/` if the packet does not name a namespace.
    pub namespace: &'a str,
    /// Id of the ack. An event with an id requests an ack, and the ack repeats the id. `None` if
    /// the packet has no id.
    pub id: Option<u64>,
    /// JSON payload, not yet parsed. `None` if the packet has no payload.
    pub data: Option<&'a str>,
    /// Number of binary messages that follow and belong to the packet.
    pub attachments: usize,
}

/// Error returned when a Socket.IO packet cannot be decoded. The client is at fault.
///
/// # Examples
/// ```
/// use doorward_protocol::packet::{Packet, PacketError};
///
/// assert_eq!(Packet::decode("9", 255), Err(PacketError::Kind));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// A binary packet without a number of attachments, or with a number above 65,535.
    #[error("invalid number of attachments")]
    Attachments,
    /// An ack id above 2^64 - 1, or an ack without an id.
    #[error("invalid ack id")]
    Id,
    /// A packet type that does not exist, or that only a server sends.
    #[error("unknown packet type")]
    Kind,
    /// The name of a namespace is longer than the configured limit.
    #[error("namespace is too long")]
    Namespace,
}

impl<'a> Packet<'a> {
    /// Decodes a packet of a client. The name of its namespace may have at most `max_namespace`
    /// bytes.
    ///
    /// The JSON is not checked. See [`Packet::event`] and [`Packet::check_ack`].
    ///
    /// # Errors
    /// [`PacketError`] if the text is not a packet that a client may send.
    pub fn decode(text: &'a str, max_namespace: usize) -> Result<Self, PacketError> {
        let packet = Self::parse(text)?;
        packet.check(max_namespace)?;
        Ok(packet)
    }

    /// Checks that a client may send a packet with this head.
    pub(crate) fn check(&self, max_namespace: usize) -> Result<(), PacketError> {
        match self.kind {
            Kind::ConnectError => Err(PacketError::Kind),
            _ if self.namespace.len() > max_namespace => Err(PacketError::Namespace),
            Kind::Ack | Kind::BinaryAck if self.id.is_none() => Err(PacketError::Id),
            _ => Ok(()),
        }
    }

    /// Parses a packet of a client or a server.
    ///
    /// # Errors
    /// [`PacketError`] if the text is not a packet.
    ///
    /// # Examples
    /// ```
    /// use doorward_protocol::packet::{Kind, Packet};
    ///
    /// let refused = Packet::parse(r#"4/chat,{"message":"Unauthorized"}"#)?;
    /// assert_eq!((refused.kind, refused.namespace), (Kind::ConnectError, "/chat"));
    /// # Ok::<_, doorward_protocol::packet::PacketError>(())
    /// ```
    pub fn parse(text: &'a str) -> Result<Self, PacketError> {
        let mut chars = text.chars();
        let kind = chars.next().and_then(Kind::of).ok_or(PacketError::Kind)?;
        let (attachments, rest) = match kind.is_binary() {
            true => split_attachments(chars.as_str())?,
            false => (0, chars.as_str()),
        };
        let (namespace, rest) = split_namespace(rest);
        let (id, rest) = split_id(rest)?;
        let data = (!rest.is_empty()).then_some(rest);
        Ok(Self { kind, namespace, id, data, attachments })
    }

    /// Returns the name of the event. Checks that the data is a JSON array that starts with a name
    /// and is nested at most `max_depth` deep.
    ///
    /// A number in the place of the name is returned as decimal text. The name is returned empty if
    /// it has more than `max_name` bytes or contains a lone surrogate. No handler has an empty
    /// name.
    ///
    /// # Errors
    /// [`JsonError`] if the check fails, or if the name is [reserved](super::is_reserved).
    pub fn event(&self, max_depth: usize, max_name: usize) -> Result<Cow<'a, str>, JsonError> {
        let data = self.data.ok_or(JsonError::Malformed)?;
        json::check_depth(data, max_depth)?;
        let name = json::event_name(data)?;
        if is_reserved(&name) {
            return Err(JsonError::Name);
        }
        Ok(if name.len() > max_name { Cow::Borrowed("") } else { name })
    }

    /// Checks that the data of an ack is a JSON array that is nested at most `max_depth` deep.
    ///
    /// # Errors
    /// [`JsonError`] if the check fails.
    pub fn check_ack(&self, max_depth: usize) -> Result<(), JsonError> {
        let data = self.data.ok_or(JsonError::Malformed)?;
        json::check_depth(data, max_depth)?;
        json::check_array(data)
    }

    /// Checks that the `auth` payload of a CONNECT is nested at most `max_depth` deep.
    ///
    /// # Errors
    /// [`JsonError::TooDeep`] if the check fails. The admission of the client checks everything
    /// else.
    pub fn check_connect(&self, max_depth: usize) -> Result<(), JsonError> {
        self.data.map_or(Ok(()), |data| json::check_depth(data, max_depth))
    }
}

/// Writes the packet in the text format.
impl fmt::Display for Packet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind.number())?;
        if self.kind.is_binary() {
            write!(f, "{}-", self.attachments)?;
        }
        if self.namespace != "/" {
            write!(f, "{},", self.namespace)?;
        }
        if let Some(id) = self.id {
            write!(f, "{id}")?;
        }
        f.write_str(self.data.unwrap_or_default())
    }
}

/// Splits off the number of attachments, which ends with a hyphen.
fn split_attachments(text: &str) -> Result<(usize, &str), PacketError> {
    let (count, rest) = text.split_once('-').ok_or(PacketError::Attachments)?;
    // `parse` alone would accept a sign.
    let is_number = count.bytes().all(|byte| byte.is_ascii_digit());
    // A number above 65,535 is malformed, independent of the configured limit.
    let count = count.parse::<u16>().ok().filter(|_| is_number);
    Ok((count.ok_or(PacketError::Attachments)?.into(), rest))
}

/// Splits `/name,rest` into name and rest. A packet without a name belongs to the namespace `/`.
fn split_namespace(text: &str) -> (&str, &str) {
    if !text.starts_with('/') {
        return ("/", text);
    }
    text.split_once(',').unwrap_or((text, ""))
}

/// Splits off the ack id, if there is one.
fn split_id(text: &str) -> Result<(Option<u64>, &str), PacketError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (id, rest) = text.split_at(digits);
    if id.is_empty() {
        return Ok((None, rest));
    }
    let id = id.parse().map_err(|_too_large| PacketError::Id)?;
    Ok((Some(id), rest))
}

#[cfg(test)]
mod tests;
