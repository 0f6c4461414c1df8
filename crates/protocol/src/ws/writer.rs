//! Writes the frames of a server.
//!
//! A frame is written directly into the buffer of the caller. The payload is written first, behind
//! space for the shortest header. If the payload turns out to be long, which is rare, it is moved
//! to make room for a longer header.

use super::Opcode;

/// Status code with which the server closes a connection (RFC 6455, section 7.4.1).
///
/// # Examples
/// ```
/// use doorward_protocol::ws::CloseCode;
///
/// assert_eq!(CloseCode::Normal as u16, 1000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum CloseCode {
    /// The purpose of the connection is fulfilled.
    Normal = 1000,
    /// The server is shutting down; the client may reconnect.
    GoingAway = 1001,
    /// The client violated the protocol.
    Protocol = 1002,
    /// A text was not UTF-8.
    InvalidPayload = 1007,
    /// The client broke a policy of the server.
    Policy = 1008,
    /// A message was too large.
    TooBig = 1009,
    /// The client may reconnect after a while. The code is defined in the IANA registry of RFC
    /// 6455, section 11.7.
    TryAgainLater = 1013,
}

/// Appends one unfragmented frame to `out`. `write` appends the payload of the frame.
///
/// # Examples
/// ```
/// use doorward_protocol::ws::{Opcode, append};
///
/// let mut out = Vec::new();
/// append(&mut out, Opcode::Text, |out| out.extend_from_slice(b"hi"));
/// assert_eq!(out, b"\x81\x02hi");
/// ```
pub fn append(out: &mut Vec<u8>, opcode: Opcode, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    // Reserve space for the shortest length. Most packets are below 126 bytes and are never moved.
    out.extend_from_slice(&[FIN | opcode as u8, 0]);
    let payload = out.len();
    write(out);
    let length = out.len() - payload;

    if let Ok(short @ 0..=125) = u8::try_from(length) {
        out[start + 1] = short;
        return;
    }
    let mut wide = [0; 8];
    let (marker, width) = if let Ok(medium) = u16::try_from(length) {
        wide[..2].copy_from_slice(&medium.to_be_bytes());
        (126, 2)
    } else {
        wide = (length as u64).to_be_bytes();
        (127, 8)
    };
    out[start + 1] = marker;
    out.resize(out.len() + width, 0);
    // Move the payload to make room for the length, which has 7, 16 or 64 bits (section 5.2).
    out.copy_within(payload..payload + length, payload + width);
    out[payload..payload + width].copy_from_slice(&wide[..width]);
}

/// Returns the opcode and the payload of the first frame in `bytes`. Returns `None` if [`append`]
/// cannot have written it.
pub(crate) fn first_written(bytes: &[u8]) -> Option<(Opcode, &[u8])> {
    let (&[first, length], rest) = bytes.split_first_chunk()?;
    let (length, rest) = match length {
        126 => {
            let (length, rest) = rest.split_first_chunk()?;
            (u16::from_be_bytes(*length).into(), rest)
        }
        127 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::try_from(u64::from_be_bytes(*length)).ok()?, rest)
        }
        short => (short.into(), rest),
    };
    let payload = rest.get(..length)?;
    let opcode = [Opcode::Text, Opcode::Binary].into_iter().find(|it| first == FIN | *it as u8)?;
    let is_shortest = bytes.len() - rest.len() == header_length_of(length);
    is_shortest.then_some((opcode, payload))
}

/// Returns the length of the header, in bytes, of a frame with a payload of `length` bytes.
pub(crate) fn header_length_of(length: usize) -> usize {
    match length {
        ..=125 => 2,
        126..=65_535 => 4,
        _ => 10,
    }
}

/// Returns the length of the header, in bytes, of a frame that [`append`] wrote. `length` is the
/// length of the whole frame.
///
/// # Examples
/// ```
/// use doorward_protocol::ws::{Opcode, append, header_length};
///
/// let mut out = Vec::new();
/// append(&mut out, Opcode::Text, |out| out.extend_from_slice(b"hi"));
/// assert_eq!(&out[header_length(out.len())..], b"hi");
/// ```
#[must_use]
pub fn header_length(length: usize) -> usize {
    // No length is ambiguous: a payload of 125 bytes makes a frame of 127 bytes, and one of 126
    // bytes a frame of 130.
    match length {
        ..=127 => 2,
        128..=65_539 => 4,
        _ => 10,
    }
}

/// Appends a close frame to `out`. `reason` is cut to at most 123 bytes, between two characters.
///
/// # Examples
/// ```
/// use doorward_protocol::ws::{CloseCode, append_close};
///
/// let mut out = Vec::new();
/// append_close(&mut out, CloseCode::GoingAway, "shutdown");
/// assert_eq!(out, b"\x88\x0a\x03\xe9shutdown");
/// ```
pub fn append_close(out: &mut Vec<u8>, code: CloseCode, reason: &str) {
    append(out, Opcode::Close, |out| {
        out.extend_from_slice(&(code as u16).to_be_bytes());
        let end = reason.floor_char_boundary(MAX_REASON);
        out.extend_from_slice(reason.as_bytes().get(..end).unwrap_or_default());
    });
}

/// Maximum length of a close reason, in bytes. A control frame has a payload of at most 125 bytes
/// (RFC 6455, section 5.5), and the close code takes two of these bytes.
const MAX_REASON: usize = 123;

/// Appends a pong to `out`. `payload` is the payload of the ping.
///
/// # Examples
/// ```
/// let mut out = Vec::new();
/// doorward_protocol::ws::append_pong(&mut out, b"x");
/// assert_eq!(out, b"\x8a\x01x");
/// ```
pub fn append_pong(out: &mut Vec<u8>, payload: &[u8]) {
    append(out, Opcode::Pong, |out| out.extend_from_slice(payload));
}

const FIN: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(length: usize) -> impl Iterator<Item = u8> {
        (0..=250).cycle().take(length)
    }

    fn header(length: usize) -> Vec<u8> {
        let mut out = b"before".to_vec();
        append(&mut out, Opcode::Binary, |out| out.extend(payload(length)));
        let header = out.len() - 6 - length;
        assert!(out[6 + header..].iter().copied().eq(payload(length)));
        assert_eq!((&out[..6], header), (&b"before"[..], header_length(out.len() - 6)));
        out[6..6 + header].to_vec()
    }

    /// The shortest form must be used (RFC 6455, section 5.2).
    #[test]
    fn the_length_has_7_16_or_64_bits() {
        assert_eq!(header(0), [0x82, 0]);
        assert_eq!(header(125), [0x82, 125]);
        assert_eq!(header(126), [0x82, 126, 0, 126]);
        assert_eq!(header(65_535), [0x82, 126, 0xff, 0xff]);
        assert_eq!(header(65_536), [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn control_frames() {
        let mut out = Vec::new();
        append_pong(&mut out, b"p");
        append_close(&mut out, CloseCode::GoingAway, "bye");
        assert_eq!(out, b"\x8a\x01p\x88\x05\x03\xe9bye");

        // A reason has 123 bytes at most and is cut between characters (section 5.5).
        let mut close = Vec::new();
        append_close(&mut close, CloseCode::Normal, &format!("{}é", "x".repeat(122)));
        assert_eq!((close.len(), close[1]), (2 + 124, 124));
    }
}
