//! WebSocket frames (RFC 6455), server side only.
//!
//! [`Reader`] takes the bytes that have arrived and returns whole messages. A message in one frame
//! is borrowed from these bytes. A message in several frames is copied into a buffer, which is freed
//! together with the message: a connection would otherwise keep about 50 KB after a single large
//! message. [`append`] writes a frame after existing bytes. Extensions (compression) are
//! deliberately absent. Start reading at [`Reader::read`].

mod reader;
mod writer;

pub use reader::{FrameError, Incoming, Read, Reader, beginning};
pub use writer::{CloseCode, append, append_close, append_pong, header_length};
pub(crate) use writer::{first_written, header_length_of};

/// Opcode of a frame (RFC 6455, section 5.2).
///
/// # Examples
/// ```
/// use doorward_protocol::ws::Opcode;
///
/// assert_eq!(Opcode::Text as u8, 0x1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// Further fragment of a message.
    Continuation = 0x0,
    /// Text message, or its first fragment.
    Text = 0x1,
    /// Binary message, or its first fragment.
    Binary = 0x2,
    /// Start of the closing handshake, or the answer to it.
    Close = 0x8,
    /// Request for a pong.
    Ping = 0x9,
    /// Answer to a ping.
    Pong = 0xA,
}

impl Opcode {
    fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return None,
        })
    }

    fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }
}
