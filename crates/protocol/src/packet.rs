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

/// Returns the namespace that an Engine.IO message of ours is for, when it is an event or an answer.
///
/// # Examples
/// ```
/// use doorward_protocol::packet::addressee;
///
/// assert_eq!(addressee(r#"42["news",1]"#), Some("/"));
/// assert_eq!(addressee(r#"451-/chat,7["draw",{"_placeholder":true,"num":0}]"#), Some("/chat"));
/// assert_eq!(addressee("41/chat,"), None);
/// ```
#[must_use]
pub fn addressee(message: &str) -> Option<&str> {
    let rest = message.strip_prefix('4')?.strip_prefix(['2', '3', '5', '6'])?;
    let rest =
        rest.split_once('-').filter(|(count, _)| is_count(count)).map_or(rest, |(_, rest)| rest);
    if !rest.starts_with('/') {
        return Some("/");
    }
    rest.split_once(',').map(|(namespace, _)| namespace)
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

fn is_count(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The events that the JavaScript libraries raise themselves: their parsers close a connection over them.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];
