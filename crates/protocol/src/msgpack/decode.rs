//! Translates a packet of a client from MessagePack into the text format.
//!
//! The input is hostile. Every element of an array or a map takes at least one byte of the message,
//! so a long length without its elements ends with the message. The limits on nesting, on the size
//! of the JSON and on the number of attachments are checked while the packet is read.

use bytes::Bytes;
use rmp::Marker;

use super::{error::MsgpackError, reader::Reader};

/// A packet in the text format, as if a client had sent it with attachments.
///
/// # Examples
/// ```
/// use doorward_protocol::msgpack;
///
/// // {"type": 2, "nsp": "/", "data": ["hi"]}
/// let message = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xa2hi";
/// assert_eq!(msgpack::decode(message, 100, 10)?.text, r#"2["hi"]"#);
/// # Ok::<_, msgpack::MsgpackError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translated {
    /// The Socket.IO packet.
    pub text: String,
    /// Bytes that placeholders in the packet refer to.
    pub attachments: Vec<Bytes>,
}

/// Translates a packet. Its JSON may have at most `limit` bytes, and the packet may contain at most
/// `max_attachments` binary values.
///
/// Values that JSON does not have become what `JSON.stringify` makes of them: a date becomes its
/// text, `undefined` is left out or becomes `null`, and so do numbers that are not finite.
///
/// # Errors
/// [`MsgpackError`] if the message is not a packet, or beyond a limit.
pub fn decode(
    message: &[u8],
    limit: usize,
    max_attachments: usize,
) -> Result<Translated, MsgpackError> {
    let mut reader = Reader::new(message, limit, max_attachments);
    let packet = Packet::read(&mut reader)?;
    let (json, attachments) = reader.into_parts();
    let data = String::from_utf8(json).map_err(|_never| MsgpackError::Malformed)?;
    Ok(Translated { text: packet.text(&data, attachments.len())?, attachments })
}

/// Members of a packet other than its data.
#[derive(Default)]
struct Packet<'a> {
    kind: Option<u64>,
    namespace: Option<&'a str>,
    id: Option<u64>,
    has_data: bool,
}

impl<'a> Packet<'a> {
    /// Reads a packet. Its data is the JSON of the reader.
    fn read(reader: &mut Reader<'a>) -> Result<Self, MsgpackError> {
        let mut packet = Self::default();
        let length = match reader.marker()? {
            Marker::FixMap(length) => length.into(),
            Marker::Map16 => reader.length::<2>()?,
            Marker::Map32 => reader.length::<4>()?,
            _ => return Err(MsgpackError::Malformed),
        };
        for _ in 0..length {
            match reader.key()? {
                "type" => once(&mut packet.kind, reader.number()?)?,
                "nsp" => once(&mut packet.namespace, reader.text()?)?,
                "id" => once(&mut packet.id, reader.number()?)?,
                "data" if !packet.has_data => packet.has_data = Self::data(reader)?,
                "data" => return Err(MsgpackError::Malformed),
                // JavaScript clients send `options`, which are for their own transport.
                _ => reader.skip()?,
            }
        }
        if reader.is_at_end() { Ok(packet) } else { Err(MsgpackError::Malformed) }
    }

    /// Reads the data of the packet. Returns `false` if there is none.
    fn data(reader: &mut Reader<'a>) -> Result<bool, MsgpackError> {
        let is_defined = reader.value(0)?;
        match reader.json() {
            b"null" => {
                reader.clear_json();
                Ok(false)
            }
            // In the text format, a number would be the id of an ack.
            [] | [b'[' | b'{', ..] => Ok(is_defined),
            _ => Err(MsgpackError::Malformed),
        }
    }

    /// Returns the packet in the text format.
    fn text(&self, data: &str, attachments: usize) -> Result<String, MsgpackError> {
        let kind = self.kind.ok_or(MsgpackError::Malformed)?;
        let namespace = self.namespace.ok_or(MsgpackError::Malformed)?;
        // In the text format a namespace ends with a comma.
        if kind > MAX_KIND || !namespace.starts_with('/') || namespace.contains(',') {
            return Err(MsgpackError::Malformed);
        }
        let mut text = match (attachments, kind) {
            (0, kind) => kind.to_string(),
            (count, EVENT) => format!("{BINARY_EVENT}{count}-"),
            (count, ACK) => format!("{BINARY_ACK}{count}-"),
            _ => return Err(MsgpackError::Malformed),
        };
        if namespace != "/" {
            text.push_str(namespace);
            text.push(',');
        }
        if let Some(id) = self.id {
            text.push_str(&id.to_string());
        }
        text.push_str(data);
        Ok(text)
    }
}

/// Sets a member that occurs once.
fn once<T>(member: &mut Option<T>, value: Option<T>) -> Result<(), MsgpackError> {
    match (&member, value) {
        (Some(_), Some(_)) => Err(MsgpackError::Malformed),
        (_, None) => Ok(()),
        (None, value) => {
            *member = value;
            Ok(())
        }
    }
}

/// Types of packets in MessagePack. There are no binary types.
const EVENT: u64 = 2;
const ACK: u64 = 3;
const MAX_KIND: u64 = 4;

/// Types of packets with attachments in the text format.
const BINARY_EVENT: u64 = 5;
const BINARY_ACK: u64 = 6;
