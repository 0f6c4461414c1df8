//! Outgoing packets that are shared by several links.

use std::{iter, sync::Arc};

use bytes::Bytes;
use serde_json::Result;

use crate::{
    Parser,
    ws::{self, Opcode},
};

/// One packet with its attachments, encoded and framed once for all its recipients.
///
/// # Examples
/// ```
/// use doorward_protocol::{Frame, Parser, packet};
///
/// let frame = Frame::text(|out| out.extend_from_slice(b"2"));
/// assert_eq!(&frame.websocket()[..], b"\x81\x012");
///
/// let frame = Frame::packet(Parser::Json, |out| packet::write_event(out, "/", None, "e", &1))?;
/// assert_eq!(&frame.websocket()[..], b"\x81\x0942[\"e\",1]");
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Frame {
    bytes: Bytes,
    /// End offsets of the first frame and of each attachment frame in `bytes`. `None` for a packet
    /// without attachments.
    ends: Option<Arc<[usize]>>,
}

impl Frame {
    /// Creates a text frame from the packet that `write` appends to its buffer.
    #[must_use]
    pub fn text(write: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut out = Vec::with_capacity(USUAL);
        ws::append(&mut out, Opcode::Text, write);
        Self { bytes: out.into(), ends: None }
    }

    /// Creates the frames of a packet. `write` appends the packet in the text format to its buffer,
    /// and returns the attachments. See [`append_packet`](ws::append_packet).
    ///
    /// # Errors
    /// Same as [`append_packet`](ws::append_packet).
    pub fn packet(
        parser: Parser,
        write: impl FnOnce(&mut Vec<u8>) -> Result<Vec<Bytes>>,
    ) -> Result<Self> {
        let mut out = Vec::with_capacity(USUAL);
        // Nothing is allocated for a packet without attachments.
        let (mut ends, mut last) = (Vec::new(), None);
        ws::append_packet(&mut out, parser, write, |_, end| ends.extend(last.replace(end)))?;
        let ends = (!ends.is_empty()).then(|| ends.into_iter().chain(last).collect());
        Ok(Self { bytes: out.into(), ends })
    }

    /// Returns the opcode of each frame, and the offset of its end in
    /// [`websocket`](Self::websocket).
    ///
    /// # Examples
    /// ```
    /// use doorward_protocol::{Binary, Frame, Parser, packet, ws::Opcode};
    ///
    /// let picture = Binary(b"x".as_slice().into());
    /// let frame = Frame::packet(Parser::Json, |out| packet::write_ack(out, "/", 7, &picture))?;
    /// assert_eq!(frame.frames().collect::<Vec<_>>(), [(Opcode::Text, 38), (Opcode::Binary, 41)]);
    /// # Ok::<_, serde_json::Error>(())
    /// ```
    pub fn frames(&self) -> impl Iterator<Item = (Opcode, usize)> {
        let (text, attachments) = match self.ends.as_deref() {
            Some([text, attachments @ ..]) => (*text, attachments),
            _ => (self.bytes.len(), &[][..]),
        };
        let attachments = attachments.iter().map(|end| (Opcode::Binary, *end));
        let is_text = self.bytes.first().is_none_or(|first| first & 0x0f == Opcode::Text as u8);
        let opcode = if is_text { Opcode::Text } else { Opcode::Binary };
        iter::once((opcode, text)).chain(attachments)
    }

    /// Returns the bytes to send on a WebSocket: the text frame of the packet, then the frames of
    /// its attachments.
    #[must_use]
    pub fn websocket(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns the total size of the frames, in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Returns `true` if there are no bytes. This is never the case, because every frame has a
    /// header.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Initial capacity of a buffer, in bytes. It is enough for most packets.
const USUAL: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;

    #[test]
    fn a_text_is_one_frame() {
        let frame = Frame::text(|out| out.extend_from_slice(b"3"));

        assert_eq!(frame.websocket()[..], *b"\x81\x013");
        assert_eq!((frame.len(), frame.is_empty()), (3, false));
        assert_eq!(frame.frames().collect::<Vec<_>>(), [(Opcode::Text, 3)]);
    }

    #[test]
    fn each_attachment_is_a_frame_of_its_own() {
        let (first, second) = (Bytes::from_static(b"ab"), Bytes::new());
        let frame = Frame::packet(Parser::Json, |out| {
            out.extend_from_slice(b"452-[]");
            Ok(vec![first, second])
        })
        .unwrap();

        let ends: Vec<_> = frame.frames().collect();
        assert_eq!(ends, [(Opcode::Text, 8), (Opcode::Binary, 12), (Opcode::Binary, 14)]);
        assert_eq!(frame.websocket()[8..], *b"\x82\x02ab\x82\x00");
    }

    #[test]
    fn a_packet_without_attachments_is_one_frame() {
        let frame = Frame::packet(Parser::Json, |out| {
            out.extend_from_slice(b"42[]");
            Ok(Vec::new())
        })
        .unwrap();

        assert_eq!(frame.frames().collect::<Vec<_>>(), [(Opcode::Text, 6)]);
    }

    #[test]
    fn a_message_is_empty_without_bytes() {
        assert!(Message::Text("").is_empty() && Message::Binary(b"").is_empty());
        assert!(!Message::Text("3").is_empty() && !Message::Binary(b"3").is_empty());
        assert_eq!((Message::Text("ab").len(), Message::Binary(b"abc").len()), (2, 3));
    }
}
