//! Parses the frames of a client.
//!
//! The caller owns the received bytes. [`Reader::read`] unmasks the first frame in place, and
//! returns the number of used bytes, or that more bytes must arrive first. Only a fragmented
//! message is copied. Its buffer is dropped with the message.

use super::{CloseCode, Opcode};
use crate::message::Message;

/// Reader of WebSocket frames. Between two frames it keeps only the fragments of an incomplete
/// message.
///
/// # Examples
/// ```
/// use doorward_protocol::{Message, ws::{Incoming, Read, Reader}};
///
/// // "hi", masked with zeros.
/// let mut bytes = *b"\x81\x82\0\0\0\0hi";
/// let mut reader = Reader::default();
/// let Read::Frame { used, item } = reader.read(&mut bytes, 1024)? else { panic!("incomplete") };
/// assert_eq!(used, 8);
/// assert_eq!(item, Some(Incoming::Message(Message::Text("hi"))));
/// # Ok::<_, doorward_protocol::ws::FrameError>(())
/// ```
#[derive(Debug, Default)]
pub struct Reader {
    parts: Option<Box<Parts>>,
}

/// Fragmented message of which some fragments have arrived.
#[derive(Debug)]
struct Parts {
    opcode: Opcode,
    /// Number of fragments that have arrived.
    frames: usize,
    /// Payloads of these fragments, one after the other.
    bytes: Vec<u8>,
    /// `true` once the last fragment has arrived. The next call of [`Reader::read`] then frees the
    /// message.
    complete: bool,
}

/// Result of [`Reader::read`].
///
/// # Examples
/// ```
/// use doorward_protocol::ws::{Read, Reader};
///
/// let mut reader = Reader::default();
/// assert!(matches!(reader.read(&mut [0x81], 1024), Ok(Read::Incomplete)));
/// ```
#[derive(Debug, PartialEq, Eq)]
pub enum Read<'a> {
    /// The bytes do not contain a whole frame. None of them was used or changed.
    Incomplete,
    /// A frame was read.
    Frame {
        /// Number of bytes of the frame, counted from the front of the input.
        used: usize,
        /// Control frame, or the message that the frame completes. `None` if further fragments of
        /// the message must arrive.
        item: Option<Incoming<'a>>,
    },
}

/// A message or control frame of a client.
///
/// # Examples
/// ```
/// use doorward_protocol::ws::Incoming;
///
/// assert_ne!(Incoming::Close, Incoming::Pong);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// A whole message.
    Message(Message<'a>),
    /// A ping. The pong must contain the same bytes.
    Ping(&'a [u8]),
    /// An unsolicited pong. The server sends no WebSocket pings, because Engine.IO has its own
    /// heartbeat.
    Pong,
    /// A valid close frame.
    Close,
}

/// Violation of RFC 6455 or of a size limit by the client. It ends the connection.
///
/// # Examples
/// ```
/// use doorward_protocol::ws::{FrameError, Reader};
///
/// let error = Reader::default().read(&mut [0x81, 0x00], 1024).unwrap_err();
/// assert_eq!(error, FrameError::Unmasked);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A close frame with a payload of one byte, or with a code that must not be sent (section
    /// 7.4).
    #[error("invalid close frame")]
    Close,
    /// A control frame that is fragmented or has more than 125 bytes (section 5.5).
    #[error("invalid control frame")]
    Control,
    /// A continuation without a message to continue, or a new message within a fragmented one
    /// (section 5.4).
    #[error("message parts out of order")]
    Continuation,
    /// A length that is not encoded in the fewest possible bytes (section 5.2).
    #[error("length is not written in its shortest form")]
    Length,
    /// A reserved opcode (section 5.2).
    #[error("reserved opcode")]
    Opcode,
    /// A reserved bit is set although no extension was negotiated (section 5.2).
    #[error("reserved bit")]
    Reserved,
    /// A message that exceeds the limit, or that has more than 64 fragments.
    #[error("message is too large")]
    TooLarge,
    /// A frame that is not masked (section 5.1).
    #[error("frame is not masked")]
    Unmasked,
    /// A text or a close reason that is not UTF-8 (section 8.1).
    #[error("text is not UTF-8")]
    Utf8,
}

impl FrameError {
    /// Returns the close code that the server sends to the client.
    #[must_use]
    pub fn close_code(self) -> CloseCode {
        match self {
            Self::TooLarge => CloseCode::TooBig,
            Self::Utf8 => CloseCode::InvalidPayload,
            _ => CloseCode::Protocol,
        }
    }
}

impl Reader {
    /// Reads one frame from the front of `input`. A message may have at most `limit` bytes.
    ///
    /// The payload is unmasked in place, so bytes that were used must not be passed again.
    ///
    /// # Errors
    /// [`FrameError`] as soon as the bytes cannot be the beginning of a valid frame within the
    /// limit. A frame that is too long is rejected before its payload arrives.
    pub fn read<'a>(
        &'a mut self,
        input: &'a mut [u8],
        limit: usize,
    ) -> Result<Read<'a>, FrameError> {
        // The previous call returned a message that borrows from the buffer, so the buffer could
        // not be freed then.
        if self.parts.as_ref().is_some_and(|parts| parts.complete) {
            self.parts = None;
        }
        let Some(header) = Header::parse(input)? else { return Ok(Read::Incomplete) };
        self.check_order(&header)?;
        // The limit applies to the whole message. A control frame between its fragments does not
        // count, and its own limit was checked with the header.
        let before = match &self.parts {
            Some(parts) if !header.opcode.is_control() => parts.bytes.len(),
            _ => 0,
        };
        if header.payload > limit.saturating_sub(before) && !header.opcode.is_control() {
            return Err(FrameError::TooLarge);
        }
        let used = header.len + header.payload;
        let Some(payload) = input.get_mut(header.len..used) else { return Ok(Read::Incomplete) };
        unmask(payload, header.mask);
        let item = self.accept(&header, payload)?;
        Ok(Read::Frame { used, item })
    }

    fn check_order(&self, header: &Header) -> Result<(), FrameError> {
        let continues = header.opcode == Opcode::Continuation;
        if !header.opcode.is_control() && continues != self.parts.is_some() {
            return Err(FrameError::Continuation);
        }
        Ok(())
    }

    fn accept<'a>(
        &'a mut self,
        header: &Header,
        payload: &'a [u8],
    ) -> Result<Option<Incoming<'a>>, FrameError> {
        Ok(Some(match header.opcode {
            Opcode::Ping => Incoming::Ping(payload),
            Opcode::Pong => Incoming::Pong,
            Opcode::Close => {
                check_close(payload)?;
                Incoming::Close
            }
            // An unfragmented message is borrowed from the input.
            opcode if header.fin && self.parts.is_none() => message(opcode, payload)?,
            opcode => {
                let first = || Parts { opcode, frames: 0, bytes: Vec::new(), complete: false };
                let parts = self.parts.get_or_insert_with(|| Box::new(first()));
                parts.frames += 1;
                if parts.frames > MAX_PARTS {
                    return Err(FrameError::TooLarge);
                }
                parts.bytes.extend_from_slice(payload);
                if !header.fin {
                    return Ok(None);
                }
                // The message borrows from the buffer, so the next call frees it.
                parts.complete = true;
                message(parts.opcode, &parts.bytes)?
            }
        }))
    }
}

/// Header of a frame.
struct Header {
    fin: bool,
    opcode: Opcode,
    mask: [u8; 4],
    /// Length of the header itself, including the mask.
    len: usize,
    payload: usize,
}

impl Header {
    /// Parses a header. Returns `None` if it has not arrived completely.
    fn parse(input: &[u8]) -> Result<Option<Self>, FrameError> {
        let Some((&[first, second], rest)) = input.split_first_chunk() else { return Ok(None) };
        if first & 0x70 != 0 {
            return Err(FrameError::Reserved);
        }
        let fin = first & 0x80 != 0;
        let opcode = Opcode::from_bits(first & 0x0F).ok_or(FrameError::Opcode)?;
        if second & 0x80 == 0 {
            return Err(FrameError::Unmasked);
        }
        let short = second & 0x7F;
        if opcode.is_control() && (!fin || short > 125) {
            return Err(FrameError::Control);
        }
        let (payload, rest) = match short {
            126 => {
                let Some((&bytes, rest)) = rest.split_first_chunk() else { return Ok(None) };
                let length = u16::from_be_bytes(bytes);
                if length < 126 {
                    return Err(FrameError::Length);
                }
                (usize::from(length), rest)
            }
            127 => {
                let Some((&bytes, rest)) = rest.split_first_chunk() else { return Ok(None) };
                let length = u64::from_be_bytes(bytes);
                if length <= u64::from(u16::MAX) {
                    return Err(FrameError::Length);
                }
                // 2^31 is above every limit that can be configured. Adding the length of the header
                // cannot overflow, even with 32-bit addresses.
                let length = u32::try_from(length).map_err(|_beyond| FrameError::TooLarge)?;
                if length > i32::MAX as u32 {
                    return Err(FrameError::TooLarge);
                }
                (length as usize, rest)
            }
            short => (usize::from(short), rest),
        };
        let Some((&mask, rest)) = rest.split_first_chunk() else { return Ok(None) };
        Ok(Some(Self { fin, opcode, mask, len: input.len() - rest.len(), payload }))
    }
}

fn message(opcode: Opcode, payload: &[u8]) -> Result<Incoming<'_>, FrameError> {
    Ok(Incoming::Message(if opcode == Opcode::Text {
        Message::Text(std::str::from_utf8(payload).map_err(|_position| FrameError::Utf8)?)
    } else {
        Message::Binary(payload)
    }))
}

/// Checks the payload of a close frame. It must be empty, or a code that may be sent and a reason
/// in UTF-8 (sections 5.5.1 and 7.4).
fn check_close(payload: &[u8]) -> Result<(), FrameError> {
    let Some((&code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() { Ok(()) } else { Err(FrameError::Close) };
    };
    // 1004 to 1006 and 1015 must not be sent, and 1016 to 2999 are not assigned (section 7.4).
    let allowed = matches!(u16::from_be_bytes(code), 1000..=1003 | 1007..=1014 | 3000..=4999);
    if !allowed {
        return Err(FrameError::Close);
    }
    std::str::from_utf8(reason).map_err(|_position| FrameError::Utf8)?;
    Ok(())
}

/// Removes the mask, eight bytes at a time (section 5.3).
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut chunks = payload.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let chunk: &mut [u8; 8] = chunk.try_into().expect("chunks_exact gives eight bytes");
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in chunks.into_remainder().iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
}

/// Returns at most `most` bytes of text from the front of the text frame in `input`. The caller
/// uses it for a frame that it will not read as a whole.
///
/// Returns `None` until these bytes have arrived, and nothing if the frame is invalid or carries no
/// message.
///
/// # Examples
/// ```
/// use doorward_protocol::ws::beginning;
///
/// // The first three of 65,000 bytes, masked with zeros.
/// let bytes = b"\x81\xfe\xfd\xe8\0\0\0\040{";
/// assert_eq!(beginning(bytes, 2).as_deref(), Some(&b"40"[..]));
/// assert_eq!(beginning(bytes, 4), None);
/// ```
#[must_use]
pub fn beginning(input: &[u8], most: usize) -> Option<Vec<u8>> {
    let header = match Header::parse(input) {
        Ok(header) => header?,
        // No message will arrive in an invalid frame.
        Err(_broken) => return Some(Vec::new()),
    };
    if !matches!(header.opcode, Opcode::Text | Opcode::Binary) {
        return Some(Vec::new());
    }
    let end = header.len + header.payload.min(most);
    let mut message = input.get(header.len..end)?.to_vec();
    unmask(&mut message, header.mask);
    Some(message)
}

/// Maximum number of fragments of one message. More fragments would only make the message expensive
/// to assemble.
const MAX_PARTS: usize = 64;

#[cfg(test)]
mod tests;
