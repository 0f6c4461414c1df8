//! Reads a packet of a client in MessagePack.
//!
//! The input is hostile. Every element of an array or a map takes at least one byte of the message,
//! so a long length without its elements ends with the message. The limits on nesting, on the size
//! of the JSON and on the number of attachments are checked while the packet is read.

use bytes::Bytes;

use super::{error::MsgpackError, reader::Reader};
use crate::packet::{Kind, Packet};

/// A packet in MessagePack, whose data was translated to JSON with placeholders.
///
/// # Examples
/// ```
/// use doorward_protocol::msgpack;
///
/// // {"type": 2, "nsp": "/", "data": ["hi"]}
/// let message = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xa2hi";
/// let translated = msgpack::decode(message, 100, 10)?;
/// assert_eq!(translated.packet().to_string(), r#"2["hi"]"#);
/// # Ok::<_, msgpack::MsgpackError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translated<'a> {
    kind: Kind,
    namespace: &'a str,
    id: Option<u64>,
    data: Option<String>,
    /// Bytes that placeholders in the data refer to.
    pub attachments: Vec<Bytes>,
}

impl Translated<'_> {
    /// Returns the packet as if it had arrived as text.
    #[must_use]
    pub fn packet(&self) -> Packet<'_> {
        Packet {
            kind: self.kind,
            namespace: self.namespace,
            id: self.id,
            data: self.data.as_deref(),
            attachments: self.attachments.len(),
        }
    }
}

/// Translates a packet. Its JSON may have at most `limit` bytes, and the packet may contain at most
/// `max_attachments` binary values.
///
/// Values without a JSON equivalent are converted as by `JSON.stringify`: a date becomes a text,
/// `undefined` is left out or becomes `null`, and so do numbers that are not finite.
///
/// # Errors
/// [`MsgpackError`] if the message is not a packet, or exceeds a limit.
pub fn decode(
    message: &[u8],
    limit: usize,
    max_attachments: usize,
) -> Result<Translated<'_>, MsgpackError> {
    let mut reader = Reader::new(message, limit, max_attachments);
    let Members { kind, namespace, id, has_data } = Members::read(&mut reader)?;
    let (json, attachments, has_placeholder) = reader.into_parts();
    let json = String::from_utf8(json).map_err(|_never| MsgpackError::Malformed)?;
    let namespace = namespace.ok_or(MsgpackError::Malformed)?;
    // In the text format, a namespace ends with a comma. The answer could not name it.
    if !namespace.starts_with('/') || namespace.contains(',') {
        return Err(MsgpackError::Malformed);
    }
    // Beside bytes, a map of the client would stand for them.
    if has_placeholder && !attachments.is_empty() {
        return Err(MsgpackError::Malformed);
    }
    let kind = match (kind, attachments.is_empty()) {
        (Some(CONNECT), true) => Kind::Connect,
        (Some(1), true) => Kind::Disconnect,
        (Some(2), true) => Kind::Event,
        (Some(2), false) => Kind::BinaryEvent,
        (Some(3), true) => Kind::Ack,
        (Some(3), false) => Kind::BinaryAck,
        (Some(4), true) => Kind::ConnectError,
        _ => return Err(MsgpackError::Malformed),
    };
    Ok(Translated { kind, namespace, id, data: has_data.then_some(json), attachments })
}

/// Members of a packet other than its data.
#[derive(Default)]
struct Members<'a> {
    kind: Option<u64>,
    namespace: Option<&'a str>,
    id: Option<u64>,
    has_data: bool,
}

impl<'a> Members<'a> {
    /// Reads a packet. Its data becomes the JSON of the reader.
    fn read(reader: &mut Reader<'a>) -> Result<Self, MsgpackError> {
        let mut members = Self::default();
        let marker = reader.marker()?;
        let length = reader.map_length(marker)?;
        for _ in 0..length {
            match &*reader.key()? {
                "type" => once(&mut members.kind, reader.number()?)?,
                "nsp" => once(&mut members.namespace, reader.text()?)?,
                "id" => once(&mut members.id, reader.number()?)?,
                "data" if !members.has_data && members.kind == Some(CONNECT) => {
                    members.has_data = Self::auth(reader)?;
                }
                "data" if !members.has_data => members.has_data = Self::data(reader)?,
                "data" => return Err(MsgpackError::Malformed),
                // JavaScript clients send `options`, which are for their own transport.
                _ => reader.skip()?,
            }
        }
        if reader.is_at_end() { Ok(members) } else { Err(MsgpackError::Malformed) }
    }

    /// Reads the data of a CONNECT. Data that no client may send becomes an empty array, which the
    /// admission refuses. If the link were closed instead, a stock client would reconnect for ever.
    fn auth(reader: &mut Reader<'a>) -> Result<bool, MsgpackError> {
        let start = reader.position();
        match Self::data(reader) {
            Ok(has_data) if !reader.has_attachments() => Ok(has_data),
            _ => {
                reader.replace(start, b"[]")?;
                Ok(true)
            }
        }
    }

    /// Reads the data of the packet. Returns `false` if there is none.
    fn data(reader: &mut Reader<'a>) -> Result<bool, MsgpackError> {
        Ok(reader.value(0)? && reader.json() != b"null")
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

/// Returns `true` if a message of which only the beginning has arrived is a CONNECT. Clients write
/// `type` first and the namespace last, so its namespace is not known.
///
/// # Examples
/// ```
/// use doorward_protocol::msgpack::is_connect;
///
/// assert!(is_connect(b"\x84\xa4type\x00\xa4data\x81\xa5token\xda\x42\x68eyJ"));
/// assert!(!is_connect(b"\x83\xa4type\x02"));
/// ```
#[must_use]
pub fn is_connect(beginning: &[u8]) -> bool {
    let mut reader = Reader::new(beginning, 0, 0);
    let mut kind = || {
        let marker = reader.marker()?;
        reader.map_length(marker)?;
        let is_type = reader.key()? == "type";
        Ok::<_, MsgpackError>(is_type && reader.number()? == Some(CONNECT))
    };
    (kind)().unwrap_or(false)
}

const CONNECT: u64 = 0;
