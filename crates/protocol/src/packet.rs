//! Socket.IO v5 packets.
//!
//! The text format is `<type>[<attachments>-][/<namespace>,][<ack id>][<JSON>]`. [`Packet::decode`]
//! borrows everything from the text. The `write_*` functions append an Engine.IO message that
//! contains the packet. The attachments of a binary packet follow it as binary messages.
//! [`Link`](crate::Link) collects the attachments of a client, and `write_*` returns the
//! attachments to send.

mod decode;
mod encode;

pub use decode::{Kind, Packet, PacketError};
pub use encode::{write_ack, write_connect, write_connect_error, write_disconnect, write_event};

/// Format of the Socket.IO packets of a server. All its clients use the same format.
///
/// # Examples
/// ```
/// use doorward_protocol::packet::PacketFormat;
///
/// assert_eq!(PacketFormat::default(), PacketFormat::Text);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PacketFormat {
    /// Text with JSON, and an attachment for each `Binary`. Stock clients use it by default.
    #[default]
    Text,
    /// MessagePack. See [`msgpack`](crate::msgpack).
    MessagePack,
}

/// Returns `true` if an event name is reserved for Socket.IO libraries.
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

/// Returns the namespace that a CONNECT requests, given only the beginning of its message. Returns
/// `None` if the message is not a CONNECT, or if the name may be incomplete.
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
    // If no comma follows, the name of the namespace may be incomplete.
    if rest.starts_with('/') {
        rest.split_once(',').map(|(namespace, _)| namespace)
    } else {
        Some("/")
    }
}

/// Event names that the JavaScript libraries use for events of their own. Their parsers close the
/// connection when they receive such a name.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

#[cfg(test)]
mod tests {
    use super::*;

    /// The end of the message may be missing, so a name counts only with the comma behind it.
    #[test]
    fn the_beginning_of_a_connect_names_its_namespace() {
        assert_eq!(connects_to("40"), Some("/"));
        assert_eq!(connects_to(r#"40{"token":"/chat,"#), Some("/"));
        assert_eq!(connects_to("40/chat,"), Some("/chat"));
        assert_eq!(connects_to(r#"40/chat,{"token":"a,b"#), Some("/chat"));
        for other in ["", "4", "40/chat", "41/chat,", r#"42/chat,["say"]"#, "0/chat,"] {
            assert_eq!(connects_to(other), None, "{other}");
        }
    }
}
