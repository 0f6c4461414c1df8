//! Engine.IO v4 packets.
//!
//! One text message is one packet. It starts with a digit for the type of the packet, and the
//! payload follows. This module has only the packets that a WebSocket server receives or sends. The
//! decoder rejects all others.

use std::time::Duration;

use serde::Serialize;

/// A packet from a client.
///
/// # Examples
/// ```
/// use doorward_protocol::engine::Packet;
///
/// assert_eq!(Packet::decode("42[\"hi\"]"), Ok(Packet::Message("2[\"hi\"]")));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// The client closes the link.
    Close,
    /// The client answers a ping.
    Pong,
    /// A Socket.IO packet.
    Message(&'a str),
}

/// Error returned when an Engine.IO packet cannot be decoded. The client is at fault.
///
/// # Examples
/// ```
/// use doorward_protocol::engine::{EngineError, Packet};
///
/// assert_eq!(Packet::decode(""), Err(EngineError::Empty));
/// assert_eq!(Packet::decode("2"), Err(EngineError::Direction));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A packet that only a server sends, or that belongs to a transport upgrade.
    #[error("engine packet from the wrong side")]
    Direction,
    /// An empty message.
    #[error("empty engine packet")]
    Empty,
    /// A packet type that does not exist, or a close or pong packet with a payload.
    #[error("unknown engine packet")]
    Unknown,
}

impl<'a> Packet<'a> {
    /// Decodes a text message into an Engine.IO packet.
    ///
    /// # Errors
    /// [`EngineError`] if the message is not a packet that a client may send.
    pub fn decode(text: &'a str) -> Result<Self, EngineError> {
        let mut chars = text.chars();
        match chars.next().ok_or(EngineError::Empty)? {
            '4' => Ok(Self::Message(chars.as_str())),
            '3' if chars.as_str().is_empty() => Ok(Self::Pong),
            '1' if chars.as_str().is_empty() => Ok(Self::Close),
            // Open, ping, upgrade and noop. They are sent only by a server, or belong to the probe of
            // an upgrade, which the driver of the link reads.
            '0' | '2' | '5' | '6' => Err(EngineError::Direction),
            _ => Err(EngineError::Unknown),
        }
    }
}

/// Packet that opens a link, which is one Engine.IO connection.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use doorward_protocol::engine::Open;
///
/// let mut out = Vec::new();
/// Open {
///     sid: "s",
///     upgrades: &["websocket"],
///     ping_interval: Duration::from_secs(25),
///     ping_timeout: Duration::from_secs(20),
///     max_payload: 65_536,
/// }.write(&mut out);
/// assert_eq!(
///     out,
///     br#"0{"sid":"s","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":65536}"#,
/// );
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Open<'a> {
    /// Id of the link. It must be kept secret from other clients.
    pub sid: &'a str,
    /// Transports to which the client may upgrade.
    pub upgrades: &'a [&'a str],
    /// Time from the opening of the link, or from a pong, to the next ping.
    pub ping_interval: Duration,
    /// Time within which the client must answer a ping.
    pub ping_timeout: Duration,
    /// Largest message that the server accepts, in bytes.
    pub max_payload: usize,
}

impl Open<'_> {
    /// Appends the packet to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire<'a> {
            sid: &'a str,
            upgrades: &'a [&'a str],
            ping_interval: u128,
            ping_timeout: u128,
            max_payload: usize,
        }
        let wire = Wire {
            sid: self.sid,
            upgrades: self.upgrades,
            ping_interval: self.ping_interval.as_millis(),
            ping_timeout: self.ping_timeout.as_millis(),
            max_payload: self.max_payload,
        };
        out.push(b'0');
        write_json(out, &wire);
    }
}

fn write_json(out: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(out, value).expect("strings and numbers are always JSON");
}

/// Appends a ping to `out`.
///
/// # Examples
/// ```
/// let mut out = Vec::new();
/// doorward_protocol::engine::write_ping(&mut out);
/// assert_eq!(out, b"2");
/// ```
pub fn write_ping(out: &mut Vec<u8>) {
    out.push(b'2');
}

/// Appends a packet without a meaning to `out`. It answers a GET of a client that polls.
///
/// # Examples
/// ```
/// let mut out = Vec::new();
/// doorward_protocol::engine::write_noop(&mut out);
/// assert_eq!(out, b"6");
/// ```
pub fn write_noop(out: &mut Vec<u8>) {
    out.push(b'6');
}

/// Appends the packet that closes a link to `out`.
///
/// # Examples
/// ```
/// let mut out = Vec::new();
/// doorward_protocol::engine::write_close(&mut out);
/// assert_eq!(out, b"1");
/// ```
pub fn write_close(out: &mut Vec<u8>) {
    out.push(b'1');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_that_only_a_server_sends_are_rejected() {
        for text in ["0{}", "2", "2probe", "5", "6"] {
            assert_eq!(Packet::decode(text), Err(EngineError::Direction), "{text}");
        }
    }

    #[test]
    fn an_unknown_type_or_a_stray_payload_is_refused() {
        for text in ["7", "9x", "x", "é", "3probe", "1bye"] {
            assert_eq!(Packet::decode(text), Err(EngineError::Unknown), "{text}");
        }
    }
}
