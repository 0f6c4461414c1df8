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
mod value;

pub use decode::{Translated, decode, is_connect};
pub use encode::encode;
pub use error::MsgpackError;
pub use value::to_json;

#[cfg(test)]
mod tests;
