//! WebSocket frames (RFC 6455), the server's side only.
//!
//! [`Reader`] takes whatever bytes have arrived and gives back whole messages, borrowed from them
//! wherever a message fits into one frame; [`append`] writes a frame behind what is already there.
//! No buffer outlives the message it was needed for: libraries that keep the largest one hold some
//! 50 KB a connection after a single large message. Extensions (compression) are deliberately absent.
//! Start reading at [`Reader::read`].

mod reader;
mod writer;

pub use reader::{FrameError, Incoming, Read, Reader, beginning};
pub use writer::{CloseCode, append, append_close, append_packet, append_pong, header_length};

/// What a frame is (RFC 6455, section 5.2).
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
    /// A further part of a message.
    Continuation = 0x0,
    /// A text message, or its first part.
    Text = 0x1,
    /// A binary message, or its first part.
    Binary = 0x2,
    /// The connection ends.
    Close = 0x8,
    /// Asks for a pong.
    Ping = 0x9,
    /// Answers a ping.
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
