//! An outgoing packet that many links share.

use bytes::Bytes;

use crate::ws::{self, Opcode};

/// One packet, encoded and framed once, shared by everybody who gets it.
///
/// The WebSocket header stands in front of the packet in the same allocation: one transport sends the
/// whole, another takes the slice without the header.
///
/// # Examples
/// ```
/// use doorward_protocol::Frame;
///
/// let frame = Frame::text(|out| out.extend_from_slice(b"2"));
/// assert_eq!(&frame.websocket()[..], b"\x81\x012");
/// assert_eq!(&frame.packet()[..], b"2");
/// ```
#[derive(Clone, Debug)]
pub struct Frame {
    bytes: Bytes,
    header: usize,
}

impl Frame {
    /// Frames the packet that `write` appends.
    #[must_use]
    pub fn text(write: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut out = Vec::with_capacity(128);
        let mut packet = 0;
        ws::append(&mut out, Opcode::Text, |out| {
            let start = out.len();
            write(out);
            packet = out.len() - start;
        });
        Self { header: out.len() - packet, bytes: out.into() }
    }

    /// The bytes for a WebSocket.
    #[must_use]
    pub fn websocket(&self) -> &Bytes {
        &self.bytes
    }

    /// The Engine.IO packet alone.
    #[must_use]
    pub fn packet(&self) -> Bytes {
        self.bytes.slice(self.header..)
    }

    /// Returns how many bytes the frame takes up in an outbox.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Returns whether there is nothing in it, which never happens.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}
