//! Frames of outgoing packets, which one link sends or several links share.

use std::{iter, sync::Arc};

use bytes::Bytes;
use serde::ser::Error as _;
use serde_json::{Error, Result};

use crate::{
    msgpack,
    packet::{Packet, PacketFormat},
    ws::{self, Opcode},
};

/// One frame of a packet.
///
/// # Examples
/// ```
/// use doorward_protocol::{FramePart, ws::Opcode};
///
/// let part = FramePart { opcode: Opcode::Text, is_attachment: false, end: 11 };
/// assert_ne!(part.opcode, Opcode::Binary);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FramePart {
    /// Opcode of the frame.
    pub opcode: Opcode,
    /// `true` if the frame belongs to the packet of the frame before it.
    pub is_attachment: bool,
    /// Offset of the byte after the frame.
    pub end: usize,
}

/// Appends the frames of a packet: a text frame, and a binary frame for each of its attachments.
/// With [`PacketFormat::MessagePack`], appends one binary frame. `write` always writes the text
/// format. Calls `framed` after each frame.
///
/// # Examples
/// ```
/// use doorward_protocol::{Binary, PacketFormat, append_packet, packet};
///
/// let mut out = Vec::new();
/// let byte = Binary(b"x".as_slice().into());
/// let mut ends = Vec::new();
/// let write = |out: &mut Vec<u8>| packet::write_ack(out, "/", 7, &byte);
/// append_packet(&mut out, PacketFormat::Text, write, |part| ends.push(part.end))?;
/// assert_eq!(out, b"\x81\x24461-7[{\"_placeholder\":true,\"num\":0}]\x82\x01x");
/// assert_eq!(ends, [38, 41]);
/// # Ok::<_, serde_json::Error>(())
/// ```
///
/// # Errors
/// Returns the error of `write`, or fails if the packet is nested too deeply for MessagePack. `out`
/// then remains unchanged.
pub fn append_packet(
    out: &mut Vec<u8>,
    format: PacketFormat,
    write: impl FnOnce(&mut Vec<u8>) -> Result<Vec<Bytes>>,
    mut framed: impl FnMut(FramePart),
) -> Result<()> {
    let (start, mut written) = (out.len(), Ok(Vec::new()));
    let opcode = match format {
        PacketFormat::Text => Opcode::Text,
        PacketFormat::MessagePack => Opcode::Binary,
    };
    ws::append(out, opcode, |out| {
        written = match format {
            PacketFormat::Text => write(out),
            PacketFormat::MessagePack => translate(out, write).map(|()| Vec::new()),
        };
    });
    let attachments = written.inspect_err(|_| out.truncate(start))?;
    framed(FramePart { opcode, is_attachment: false, end: out.len() });
    for bytes in attachments {
        ws::append(out, Opcode::Binary, |out| out.extend_from_slice(&bytes));
        framed(FramePart { opcode: Opcode::Binary, is_attachment: true, end: out.len() });
    }
    Ok(())
}

/// Appends a packet as MessagePack.
fn translate(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<Vec<Bytes>>,
) -> Result<()> {
    let mut text = Vec::new();
    let attachments = write(&mut text)?;
    // The digit of Engine.IO has no place in a binary message.
    let text = str::from_utf8(text.get(1..).unwrap_or_default()).map_err(Error::custom)?;
    let packet = Packet::parse(text).map_err(Error::custom)?;
    msgpack::encode(out, &packet, &attachments)
}

/// One packet with its attachments, encoded and framed once for all its recipients.
///
/// # Examples
/// ```
/// use doorward_protocol::{Frame, PacketFormat, packet};
///
/// let frame = Frame::text(|out| out.extend_from_slice(b"2"));
/// assert_eq!(&frame.websocket()[..], b"\x81\x012");
///
/// let write = |out: &mut Vec<u8>| packet::write_event(out, "/", None, "e", &1);
/// let frame = Frame::packet(PacketFormat::Text, write)?;
/// assert_eq!(&frame.websocket()[..], b"\x81\x0942[\"e\",1]");
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Frame {
    bytes: Bytes,
    /// Opcode of the first frame. Its attachments are binary.
    opcode: Opcode,
    /// End offsets of the first frame and of each attachment in `bytes`. `None` for a packet
    /// without attachments.
    ends: Option<Arc<[usize]>>,
}

impl Frame {
    /// Creates a text frame from the packet that `write` appends to its buffer.
    #[must_use]
    pub fn text(write: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut out = Vec::with_capacity(USUAL);
        ws::append(&mut out, Opcode::Text, write);
        Self { bytes: out.into(), opcode: Opcode::Text, ends: None }
    }

    /// Creates the frames of a packet. See [`append_packet`].
    ///
    /// # Errors
    /// Same as [`append_packet`].
    pub fn packet(
        format: PacketFormat,
        write: impl FnOnce(&mut Vec<u8>) -> Result<Vec<Bytes>>,
    ) -> Result<Self> {
        let mut out = Vec::with_capacity(USUAL);
        // Nothing is allocated for a packet without attachments.
        let (mut ends, mut last, mut opcode) = (Vec::new(), None, Opcode::Text);
        append_packet(&mut out, format, write, |part| {
            ends.extend(last.replace(part.end));
            if !part.is_attachment {
                opcode = part.opcode;
            }
        })?;
        let ends = (!ends.is_empty()).then(|| ends.into_iter().chain(last).collect());
        Ok(Self { bytes: out.into(), opcode, ends })
    }

    /// Reads frames that another server of the same cluster has written with
    /// [`websocket`](Self::websocket). Returns `None` if they are not frames of a packet in this format.
    /// The content of the packet is not checked.
    ///
    /// # Examples
    /// ```
    /// use doorward_protocol::{Frame, PacketFormat};
    ///
    /// let frame = Frame::text(|out| out.extend_from_slice(b"42[\"e\"]"));
    /// let read = Frame::read(frame.websocket().clone(), PacketFormat::Text);
    /// assert_eq!(read.map(|read| read.len()), Some(frame.len()));
    /// assert!(Frame::read("42[]".into(), PacketFormat::Text).is_none());
    /// ```
    #[must_use]
    pub fn read(bytes: Bytes, format: PacketFormat) -> Option<Self> {
        let expected = match format {
            PacketFormat::Text => Opcode::Text,
            PacketFormat::MessagePack => Opcode::Binary,
        };
        let (opcode, payload) = ws::first_written(&bytes)?;
        if opcode != expected || (opcode == Opcode::Text && str::from_utf8(payload).is_err()) {
            return None;
        }
        let mut ends = vec![ws::header_length_of(payload.len()) + payload.len()];
        while let rest @ [_, ..] = &bytes[ends[ends.len() - 1]..] {
            let (Opcode::Binary, payload) = ws::first_written(rest)? else { return None };
            ends.push(
                bytes.len() - rest.len() + ws::header_length_of(payload.len()) + payload.len(),
            );
        }
        let ends = (ends.len() > 1).then(|| ends.into());
        Some(Self { bytes, opcode, ends })
    }

    /// Returns each frame. Its end is an offset in [`websocket`](Self::websocket).
    ///
    /// # Examples
    /// ```
    /// use doorward_protocol::{Binary, Frame, PacketFormat, packet, ws::Opcode};
    ///
    /// let picture = Binary(b"x".as_slice().into());
    /// let write = |out: &mut Vec<u8>| packet::write_ack(out, "/", 7, &picture);
    /// let frame = Frame::packet(PacketFormat::Text, write)?;
    /// let ends: Vec<_> = frame.parts().map(|part| (part.opcode, part.end)).collect();
    /// assert_eq!(ends, [(Opcode::Text, 38), (Opcode::Binary, 41)]);
    /// # Ok::<_, serde_json::Error>(())
    /// ```
    pub fn parts(&self) -> impl Iterator<Item = FramePart> {
        let (first, attachments) = match self.ends.as_deref() {
            Some([first, attachments @ ..]) => (*first, attachments),
            _ => (self.bytes.len(), &[][..]),
        };
        let first = FramePart { opcode: self.opcode, is_attachment: false, end: first };
        let attachments = attachments.iter();
        let attachments =
            attachments.map(|&end| FramePart { opcode: Opcode::Binary, is_attachment: true, end });
        iter::once(first).chain(attachments)
    }

    /// Returns the frames as they are sent on a WebSocket.
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

    fn ends(frame: &Frame) -> Vec<(Opcode, usize)> {
        frame.parts().map(|part| (part.opcode, part.end)).collect()
    }

    #[test]
    fn a_text_is_one_frame() {
        let frame = Frame::text(|out| out.extend_from_slice(b"3"));

        assert_eq!(frame.websocket()[..], *b"\x81\x013");
        assert_eq!((frame.len(), frame.is_empty()), (3, false));
        assert_eq!(ends(&frame), [(Opcode::Text, 3)]);
    }

    #[test]
    fn each_attachment_is_a_frame_of_its_own() {
        let (first, second) = (Bytes::from_static(b"ab"), Bytes::new());
        let frame = Frame::packet(PacketFormat::Text, |out| {
            out.extend_from_slice(b"452-[]");
            Ok(vec![first, second])
        })
        .unwrap();

        assert_eq!(ends(&frame), [(Opcode::Text, 8), (Opcode::Binary, 12), (Opcode::Binary, 14)]);
        assert_eq!(frame.websocket()[8..], *b"\x82\x02ab\x82\x00");
    }

    #[test]
    fn frames_are_read_as_they_were_written() {
        let sizes = [0, 125, 126, 65_535, 65_536];
        for count in 0..3 {
            for size in sizes {
                let attachment = Bytes::from(vec![0xff; size]);
                let frame = Frame::packet(PacketFormat::Text, |out| {
                    out.extend(iter::repeat_n(b'x', size));
                    Ok(vec![attachment; count])
                })
                .unwrap();

                let read = Frame::read(frame.websocket().clone(), PacketFormat::Text).unwrap();

                assert_eq!((ends(&read), read.len()), (ends(&frame), frame.len()));
                for end in [0, 1, 3, frame.len() - 1] {
                    let torn = frame.websocket().slice(..end.min(frame.len() - 1));
                    let is_whole = frame.parts().any(|part| part.end == torn.len());
                    assert_eq!(Frame::read(torn, PacketFormat::Text).is_some(), is_whole);
                }
            }
        }
    }

    #[test]
    fn no_other_bytes_are_frames_of_a_packet() {
        let read =
            |bytes: &'static [u8]| Frame::read(Bytes::from_static(bytes), PacketFormat::Text);
        assert!(read(b"\x81\x01x").is_some());
        for (wrong, what) in [
            (&b"\x01\x01x"[..], "a fragment"),
            (b"\x81\x81abcdx", "masked"),
            (b"\x82\x01x", "binary"),
            (b"\x88\x00", "a close frame"),
            (b"\x81\x01x\x81\x01x", "two packets"),
            (b"\x81\x01\xff", "no text"),
            (b"\x81\x7e\x00\x01x", "a longer header than needed"),
            (b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xffx", "too long"),
            (b"\xc1\x01x", "compressed"),
        ] {
            assert!(read(wrong).is_none(), "{what}");
        }
        let packed = Bytes::from_static(b"\x82\x01x");
        assert!(Frame::read(packed, PacketFormat::MessagePack).is_some());
    }

    #[test]
    fn a_packet_without_attachments_is_one_frame() {
        let frame = Frame::packet(PacketFormat::Text, |out| {
            out.extend_from_slice(b"42[]");
            Ok(Vec::new())
        })
        .unwrap();

        assert_eq!(ends(&frame), [(Opcode::Text, 6)]);
    }

    #[test]
    fn a_packet_that_fails_leaves_nothing_behind() {
        for format in [PacketFormat::Text, PacketFormat::MessagePack] {
            let mut out = b"before".to_vec();
            let write = |out: &mut Vec<u8>| {
                out.push(b'4');
                Err(Error::custom("no JSON"))
            };
            let failed = append_packet(&mut out, format, write, |_| panic!("nothing was framed"));
            assert!(failed.is_err());
            assert_eq!(out, b"before");
        }
    }

    #[test]
    fn a_message_is_empty_without_bytes() {
        assert!(Message::Text("").is_empty() && Message::Binary(b"").is_empty());
        assert!(!Message::Text("3").is_empty() && !Message::Binary(b"3").is_empty());
        assert_eq!((Message::Text("ab").len(), Message::Binary(b"abc").len()), (2, 3));
    }
}
