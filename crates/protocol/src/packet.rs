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

/// What the JavaScript libraries raise themselves, what Node's emitters treat specially, and the one
/// key that is poison in a JavaScript object.
const RESERVED: [&str; 8] = [
    "__proto__",
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "error",
    "newListener",
    "removeListener",
];
