//! Outgoing packets that several links share.

use std::sync::Arc;

use bytes::Bytes;

use crate::ws::{self, Opcode};

/// One packet with its attachments, encoded and framed once for all its recipients.
///
/// # Examples
/// ```
/// use doorward_protocol::{Frame, packet};
///
/// let frame = Frame::text(|out| out.extend_from_slice(b"2"));
/// assert_eq!(&frame.websocket()[..], b"\x81\x012");
///
/// let frame = Frame::packet(|out| packet::write_event(out, "/", None, "e", &1))?;
/// assert_eq!(&frame.websocket()[..], b"\x81\x0942[\"e\",1]");
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Frame {
    bytes: Bytes,
    /// Where the text frame and each attachment ends; `None` for a packet without attachments.
    ends: Option<Arc<[usize]>>,
}

impl Frame {
    /// Frames the packet that `write` appends.
    #[must_use]
    pub fn text(write: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut out = Vec::with_capacity(USUAL);
        ws::append(&mut out, Opcode::Text, write);
        Self { bytes: out.into(), ends: None }
    }

    /// Frames the packet that `write` appends, and the attachments that it returns.
    ///
    /// # Errors
    /// Returns the error of `write`.
    pub fn packet(
        write: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<Vec<Bytes>>,
    ) -> serde_json::Result<Self> {
        let mut out = Vec::with_capacity(USUAL);
        // Nothing is allocated for a packet without attachments.
        let (mut ends, mut last) = (Vec::new(), None);
        ws::append_packet(&mut out, write, |_, end| ends.extend(last.replace(end)))?;
        let ends = (!ends.is_empty()).then(|| ends.into_iter().chain(last).collect());
        Ok(Self { bytes: out.into(), ends })
    }

    /// Returns each frame: its opcode, and where it ends in [`websocket`](Self::websocket).
    ///
    /// # Examples
    /// ```
    /// use doorward_protocol::{Binary, Frame, packet, ws::Opcode};
    ///
    /// let picture = Binary(b"x".as_slice().into());
    /// let frame = Frame::packet(|out| packet::write_ack(out, "/", 7, &picture))?;
    /// assert_eq!(frame.frames().collect::<Vec<_>>(), [(Opcode::Text, 38), (Opcode::Binary, 41)]);
    /// # Ok::<_, serde_json::Error>(())
    /// ```
    pub fn frames(&self) -> impl Iterator<Item = (Opcode, usize)> {
        let only = self.ends.is_none().then_some(self.bytes.len());
        let ends = self.ends.iter().flat_map(|ends| ends.iter().copied()).chain(only);
        ends.enumerate()
            .map(|(index, end)| (if index == 0 { Opcode::Text } else { Opcode::Binary }, end))
    }

    /// Returns the bytes for a WebSocket: the text frame of the packet, then the frames of its
    /// attachments.
    #[must_use]
    pub fn websocket(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns the number of bytes that the frames take up in an outbox.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Returns `true` if there are no bytes. A frame has a header, so this is never the case.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Initial capacity: enough for most packets.
const USUAL: usize = 128;
