//! Socket.IO v5 packets.
//!
//! `<type>[<attachments>-][/<namespace>,][<ack id>][<JSON>]`. [`Packet::decode`] borrows everything
//! from the text; the `write_*` functions append an Engine.IO message that holds the packet. The
//! attachments of a binary packet are binary messages behind it: [`Link`](crate::Link) waits for
//! those of a client, and `write_*` gives back those that must be sent.

mod decode;
mod encode;

pub use decode::{Kind, Packet, PacketError};
pub use encode::{write_ack, write_connect, write_connect_error, write_disconnect, write_event};

/// Whether an event name belongs to the library itself and never to an application.
///
/// # Examples
/// ```
/// assert!(doorward_protocol::packet::is_reserved("disconnect"));
/// assert!(!doorward_protocol::packet::is_reserved("echo"));
/// ```
#[must_use]
pub fn is_reserved(event: &str) -> bool {
    RESERVED.contains(&event)
}

/// Returns the namespace that a message asks to enter, of which only the beginning is there.
///
/// # Examples
/// ```
/// use doorward_protocol::packet::connects_to;
///
/// assert_eq!(connects_to(r#"40/chat,{"token":"eyJhbGc"#), Some("/chat"));
/// assert_eq!(connects_to(r#"40{"token":"eyJhbGc"#), Some("/"));
/// assert_eq!(connects_to(r#"42["say""#), None);
/// ```
#[must_use]
pub fn connects_to(beginning: &str) -> Option<&str> {
    let rest = beginning.strip_prefix("40")?;
    if rest.starts_with('/') {
        rest.split_once(',').map(|(namespace, _)| namespace)
    } else {
        Some("/")
    }
}

/// The events that the JavaScript libraries raise themselves: their parsers close a connection over them.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];
