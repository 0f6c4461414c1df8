//! Socket.IO packets as MessagePack, the format of `socket.io-msgpack-parser`.
//!
//! A packet is one binary message: a map with the members `type`, `nsp`, `data` and `id`. Bytes are
//! part of it, so there are no attachments. Everything else in Doorward reads and writes the text
//! format, so a packet is translated when it arrives and when it is sent. Start reading at
//! [`decode`].

mod decode;
mod encode;
mod error;
mod reader;

pub use decode::{Translated, decode};
pub use encode::encode;
pub use error::MsgpackError;

/// Format of the Socket.IO packets of a server. All its clients use the same format.
///
/// # Examples
/// ```
/// use doorward_protocol::Parser;
///
/// assert_eq!(Parser::default(), Parser::Json);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Parser {
    /// Text with JSON, and an attachment for each `Binary`. Stock clients use it by default.
    #[default]
    Json,
    /// MessagePack.
    Msgpack,
}

#[cfg(test)]
mod tests;
