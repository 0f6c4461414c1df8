//! Reads a Socket.IO packet.

use std::borrow::Cow;

use super::is_reserved;
use crate::json::{self, JsonError};

/// What a packet is.
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
    /// The client asks to enter a namespace.
    Connect,
    /// The client leaves a namespace.
    Disconnect,
    /// An event.
    Event,
    /// The answer to an event of the server.
    Ack,
}

/// A packet from a client, borrowed from its text.
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
    /// What it is.
    pub kind: Kind,
    /// Which namespace it is for; `/` when it names none.
    pub namespace: &'a str,
    /// The id under which an answer is expected, or which is answered.
    pub id: Option<u64>,
    /// The JSON, unread.
    pub data: Option<&'a str>,
}

/// Why a text is no packet that a client may send. The client's fault.
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
    /// A binary packet.
    #[error("binary packet")]
    Binary,
    /// An ack id over 2^64 - 1, or an ack without one.
    #[error("invalid ack id")]
    Id,
    /// A type that does not exist, or that only a server sends.
    #[error("unknown packet type")]
    Kind,
    /// A namespace that is longer than allowed.
    #[error("namespace is too long")]
    Namespace,
}

impl<'a> Packet<'a> {
    /// Reads a packet; a namespace has at most `max_namespace` bytes.
    ///
    /// The JSON is not looked at: see [`Packet::event`] and [`Packet::check_ack`].
    ///
    /// # Errors
    /// [`PacketError`] when the text is no packet that a client may send.
    pub fn decode(text: &'a str, max_namespace: usize) -> Result<Self, PacketError> {
        let mut chars = text.chars();
        let kind = match chars.next() {
            Some('0') => Kind::Connect,
            Some('1') => Kind::Disconnect,
            Some('2') => Kind::Event,
            Some('3') => Kind::Ack,
            Some('5' | '6') => return Err(PacketError::Binary),
            _ => return Err(PacketError::Kind),
        };
        let (namespace, rest) = split_namespace(chars.as_str());
        if namespace.len() > max_namespace {
            return Err(PacketError::Namespace);
        }
        let (id, rest) = split_id(rest)?;
        if kind == Kind::Ack && id.is_none() {
            return Err(PacketError::Id);
        }
        Ok(Self { kind, namespace, id, data: (!rest.is_empty()).then_some(rest) })
    }

    /// Returns the name of the event, after making sure that its data is a JSON array that begins
    /// with a name of at most `max_name` bytes and is nested at most `max_depth` deep.
    ///
    /// # Errors
    /// [`JsonError`] otherwise, also for names that belong to the library itself.
    pub fn event(&self, max_depth: usize, max_name: usize) -> Result<Cow<'a, str>, JsonError> {
        let data = self.data.ok_or(JsonError::Malformed)?;
        json::check_depth(data, max_depth)?;
        let name = json::event_name(data)?;
        if name.is_empty() || name.len() > max_name || is_reserved(&name) {
            return Err(JsonError::Name);
        }
        Ok(name)
    }

    /// Makes sure that the data of an ack is a JSON array that is nested at most `max_depth` deep.
    ///
    /// # Errors
    /// [`JsonError`] otherwise.
    pub fn check_ack(&self, max_depth: usize) -> Result<(), JsonError> {
        let data = self.data.ok_or(JsonError::Malformed)?;
        json::check_depth(data, max_depth)?;
        json::check_array(data)
    }

    /// Makes sure that the `auth` payload of a CONNECT is nested at most `max_depth` deep.
    ///
    /// # Errors
    /// [`JsonError::TooDeep`] otherwise. What else it must be is for admission to say.
    pub fn check_connect(&self, max_depth: usize) -> Result<(), JsonError> {
        self.data.map_or(Ok(()), |data| json::check_depth(data, max_depth))
    }
}

/// Splits `/name,rest`; a packet without a namespace is for `/`.
fn split_namespace(text: &str) -> (&str, &str) {
    if !text.starts_with('/') {
        return ("/", text);
    }
    text.split_once(',').unwrap_or((text, ""))
}

/// Splits the digits of an ack id from what follows.
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
mod tests {
    use super::*;

    fn decode(text: &str) -> Result<Packet<'_>, PacketError> {
        Packet::decode(text, 255)
    }

    #[test]
    fn the_examples_of_the_protocol_are_read() {
        let packet = |kind, namespace, id, data| Ok(Packet { kind, namespace, id, data });

        assert_eq!(decode("0"), packet(Kind::Connect, "/", None, None));
        assert_eq!(
            decode(r#"0/admin,{"sid":"o"}"#),
            packet(Kind::Connect, "/admin", None, Some(r#"{"sid":"o"}"#))
        );
        assert_eq!(decode("1/admin,"), packet(Kind::Disconnect, "/admin", None, None));
        assert_eq!(decode("0/admin"), packet(Kind::Connect, "/admin", None, None));
        assert_eq!(decode(r#"2["foo"]"#), packet(Kind::Event, "/", None, Some(r#"["foo"]"#)));
        assert_eq!(
            decode(r#"2/admin,456["e","v"]"#),
            packet(Kind::Event, "/admin", Some(456), Some(r#"["e","v"]"#))
        );
        assert_eq!(decode(r#"312["bar"]"#), packet(Kind::Ack, "/", Some(12), Some(r#"["bar"]"#)));
    }

    #[test]
    fn what_only_a_server_sends_or_nobody_is_refused() {
        for text in ["", "4{}", "7", "x", "é"] {
            assert_eq!(decode(text), Err(PacketError::Kind), "{text}");
        }
    }

    /// Attack 41, as far as there is binary: none.
    #[test]
    fn binary_packets_are_refused() {
        for text in [r#"51-["e",{"_placeholder":true,"num":0}]"#, "51000000000-[]", "61-0[]"] {
            assert_eq!(decode(text), Err(PacketError::Binary), "{text}");
        }
    }

    /// Attack 40, the part that cannot be read.
    #[test]
    fn an_ack_id_is_a_number_that_fits() {
        assert_eq!(decode("218446744073709551615[]").unwrap().id, Some(u64::MAX));
        assert_eq!(decode("218446744073709551616[]"), Err(PacketError::Id));
        assert_eq!(decode("3[]"), Err(PacketError::Id));
        // A sign is no digit, so it begins the data, which then is no JSON array.
        assert_eq!(decode(r#"2-1["e"]"#).unwrap().event(32, 128), Err(JsonError::Malformed));
    }

    #[test]
    fn a_namespace_has_a_limit() {
        let name = format!("/{}", "n".repeat(255));

        assert_eq!(decode(&format!("0{name},")), Err(PacketError::Namespace));
    }

    /// Attack 45.
    #[test]
    fn an_event_name_is_a_short_string_that_is_nobody_elses() {
        let name = |json: &str| decode(json).unwrap().event(32, 128).map(Cow::into_owned);

        for reserved in [
            "connect",
            "connect_error",
            "disconnect",
            "disconnecting",
            "error",
            "newListener",
            "removeListener",
            "__proto__",
            "",
        ] {
            assert_eq!(name(&format!("2[{reserved:?}]")), Err(JsonError::Name), "{reserved}");
        }
        assert_eq!(name(r#"2["\u0063onnect"]"#), Err(JsonError::Name));
        assert_eq!(name(&format!("2[{:?}]", "n".repeat(129))), Err(JsonError::Name));
        assert_eq!(name(&format!("2[{:?}]", "n".repeat(128))), Ok("n".repeat(128)));
        assert_eq!(name("2[1]"), Err(JsonError::Malformed));
        assert_eq!(name("2"), Err(JsonError::Malformed));
    }
}
