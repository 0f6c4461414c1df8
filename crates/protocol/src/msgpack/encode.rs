//! Translates a packet of the server from the text format into MessagePack.

use std::fmt;

use bytes::Bytes;
use rmp::encode::ValueWriteError;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Error, Result};

/// Appends a Socket.IO packet to `out` as MessagePack. `text` is the packet in the text format, and
/// `attachments` are the bytes that its placeholders refer to.
///
/// # Examples
/// ```
/// use doorward_protocol::msgpack;
///
/// let mut out = Vec::new();
/// msgpack::encode(&mut out, r#"2["hi"]"#, &[])?;
/// assert_eq!(out, b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xa2hi");
/// # Ok::<_, serde_json::Error>(())
/// ```
///
/// # Errors
/// Fails if `text` is not a packet, if its JSON is nested more than 127 deep, or if a placeholder
/// refers to no attachment. On failure `out` remains unchanged.
pub fn encode(out: &mut Vec<u8>, text: &str, attachments: &[Bytes]) -> Result<()> {
    let start = out.len();
    append(out, text, attachments).inspect_err(|_| out.truncate(start))
}

fn append(out: &mut Vec<u8>, text: &str, attachments: &[Bytes]) -> Result<()> {
    let head = Head::of(text).ok_or_else(|| Error::custom("not a Socket.IO packet"))?;
    head.write(out).map_err(failed)?;
    if head.data.is_empty() {
        return Ok(());
    }
    let mut json = serde_json::Deserializer::from_str(head.data);
    let attachments = if head.is_binary { attachments } else { &[] };
    Walk { out, attachments, is_binary: head.is_binary }.deserialize(&mut json)?;
    json.end()
}

/// Parts of a packet in the text format.
struct Head<'a> {
    /// Type of the packet in MessagePack, which has no binary types.
    kind: u8,
    is_binary: bool,
    namespace: &'a str,
    id: Option<u64>,
    /// JSON, or empty.
    data: &'a str,
}

impl<'a> Head<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (kind, rest) = text.split_at_checked(1)?;
        let (kind, is_binary, rest) = match kind.parse().ok()? {
            kind @ 0..=4 => (kind, false, rest),
            kind @ 5..=6 => (kind - 3, true, rest.split_once('-')?.1),
            _ => return None,
        };
        let (namespace, rest) = match rest.strip_prefix('/') {
            Some(_) => rest.split_once(',').unwrap_or((rest, "")),
            None => ("/", rest),
        };
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (id, data) = rest.split_at(digits);
        let id = if id.is_empty() { None } else { Some(id.parse().ok()?) };
        Some(Self { kind, is_binary, namespace, id, data })
    }

    /// Writes everything before the data.
    fn write(&self, out: &mut Vec<u8>) -> std::result::Result<(), ValueWriteError> {
        let members = 2 + u32::from(!self.data.is_empty()) + u32::from(self.id.is_some());
        rmp::encode::write_map_len(out, members)?;
        rmp::encode::write_str(out, "type")?;
        rmp::encode::write_uint(out, self.kind.into())?;
        rmp::encode::write_str(out, "nsp")?;
        rmp::encode::write_str(out, self.namespace)?;
        if let Some(id) = self.id {
            rmp::encode::write_str(out, "id")?;
            rmp::encode::write_uint(out, id)?;
        }
        if !self.data.is_empty() {
            rmp::encode::write_str(out, "data")?;
        }
        Ok(())
    }
}

/// Visitor that appends any JSON to `out`.
struct Walk<'a> {
    out: &'a mut Vec<u8>,
    attachments: &'a [Bytes],
    /// `true` if placeholders have a meaning.
    is_binary: bool,
}

/// Meaning that a JSON value has if it is a member of a placeholder object.
#[derive(Clone, Copy, PartialEq)]
enum Seen {
    /// The value `true`.
    Marker,
    Number(u64),
    Other,
}

impl Walk<'_> {
    fn inner(&mut self) -> Walk<'_> {
        Walk { out: self.out, attachments: self.attachments, is_binary: self.is_binary }
    }

    /// Inserts what `write` appends at `start`.
    fn insert<E: serde::de::Error>(
        &mut self,
        start: usize,
        write: impl FnOnce(&mut Vec<u8>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let end = self.out.len();
        write(self.out)?;
        // The header is at most five bytes.
        let header = self.out.len() - end;
        self.out[start..].rotate_right(header);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = Seen;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Seen, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = Seen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: serde::de::Error>(self) -> std::result::Result<Seen, E> {
        rmp::encode::write_nil(self.out).map_err(failed)?;
        Ok(Seen::Other)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> std::result::Result<Seen, E> {
        rmp::encode::write_bool(self.out, value).map_err(failed)?;
        Ok(if value { Seen::Marker } else { Seen::Other })
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> std::result::Result<Seen, E> {
        rmp::encode::write_uint(self.out, value).map_err(failed)?;
        Ok(Seen::Number(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> std::result::Result<Seen, E> {
        rmp::encode::write_sint(self.out, value).map_err(failed)?;
        Ok(Seen::Other)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> std::result::Result<Seen, E> {
        rmp::encode::write_f64(self.out, value).map_err(failed)?;
        Ok(Seen::Other)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> std::result::Result<Seen, E> {
        rmp::encode::write_str(self.out, value).map_err(failed)?;
        Ok(Seen::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> std::result::Result<Seen, A::Error> {
        let (start, mut length) = (self.out.len(), 0);
        while seq.next_element_seed(self.inner())?.is_some() {
            length += 1;
        }
        self.insert(start, |out| {
            rmp::encode::write_array_len(out, length).map(drop).map_err(failed)
        })?;
        Ok(Seen::Other)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> std::result::Result<Seen, A::Error> {
        let (start, mut length) = (self.out.len(), 0);
        // If a key occurs twice, JavaScript takes the last value.
        let (mut marker, mut number) = (Seen::Other, Seen::Other);
        while let Some(key) = map.next_key::<String>()? {
            rmp::encode::write_str(self.out, &key).map_err(failed)?;
            let seen = map.next_value_seed(self.inner())?;
            match &*key {
                "_placeholder" => marker = seen,
                "num" => number = seen,
                _ => {}
            }
            length += 1;
        }
        if self.is_binary && marker == Seen::Marker {
            let Seen::Number(number) = number else { return Err(A::Error::custom(NO_ATTACHMENT)) };
            let attachment = usize::try_from(number).ok().and_then(|at| self.attachments.get(at));
            let bytes = attachment.ok_or_else(|| A::Error::custom(NO_ATTACHMENT))?;
            self.out.truncate(start);
            rmp::encode::write_bin(self.out, bytes).map_err(failed)?;
            return Ok(Seen::Other);
        }
        self.insert(start, |out| {
            rmp::encode::write_map_len(out, length).map(drop).map_err(failed)
        })?;
        Ok(Seen::Other)
    }
}

/// Turns an error of the encoder, which does not occur in memory, into one of serde.
fn failed<E: serde::de::Error>(error: impl fmt::Display) -> E {
    E::custom(error)
}

const NO_ATTACHMENT: &str = "a placeholder refers to no attachment";
