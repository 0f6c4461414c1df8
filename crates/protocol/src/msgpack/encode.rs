//! Writes a packet of the server as MessagePack.

use std::fmt;

use bytes::Bytes;
use rmp::encode::ValueWriteError;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Result;

use crate::packet::{Kind, Packet};

/// Appends a packet to `out` as MessagePack. `attachments` are the bytes that its placeholders refer
/// to.
///
/// # Examples
/// ```
/// use doorward_protocol::{msgpack, packet::Packet};
///
/// let mut out = Vec::new();
/// let packet = Packet::parse(r#"2["hi"]"#)?;
/// msgpack::encode(&mut out, &packet, &[])?;
/// assert_eq!(out, b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xa2hi");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Fails if the data is not JSON, if it is nested more than 127 deep, or if a placeholder refers to
/// no attachment or to that of another placeholder. On failure `out` remains unchanged.
pub fn encode(out: &mut Vec<u8>, packet: &Packet<'_>, attachments: &[Bytes]) -> Result<()> {
    let start = out.len();
    append(out, packet, attachments).inspect_err(|_| out.truncate(start))
}

fn append(out: &mut Vec<u8>, packet: &Packet<'_>, attachments: &[Bytes]) -> Result<()> {
    write_head(out, packet).map_err(failed)?;
    let Some(data) = packet.data else { return Ok(()) };
    let mut json = serde_json::Deserializer::from_str(data);
    let mut left: Vec<_> = attachments.iter().map(Some).collect();
    let walk = Walk { out, attachments: &mut left, is_binary: packet.kind.is_binary() };
    walk.deserialize(&mut json)?;
    json.end()
}

/// Writes everything before the data.
fn write_head(out: &mut Vec<u8>, packet: &Packet<'_>) -> std::result::Result<(), ValueWriteError> {
    let Packet { kind, namespace, id, data, .. } = *packet;
    // There are no binary types.
    let kind = match kind {
        Kind::BinaryEvent => Kind::Event,
        Kind::BinaryAck => Kind::Ack,
        kind => kind,
    };
    rmp::encode::write_map_len(out, 2 + u32::from(data.is_some()) + u32::from(id.is_some()))?;
    rmp::encode::write_str(out, "type")?;
    rmp::encode::write_uint(out, kind.number().into())?;
    rmp::encode::write_str(out, "nsp")?;
    rmp::encode::write_str(out, namespace)?;
    if let Some(id) = id {
        rmp::encode::write_str(out, "id")?;
        rmp::encode::write_uint(out, id)?;
    }
    if data.is_some() {
        rmp::encode::write_str(out, "data")?;
    }
    Ok(())
}

/// Visitor that appends any JSON to `out`.
struct Walk<'a, 'b> {
    out: &'a mut Vec<u8>,
    /// Attachments that were not written yet. Each is written once, so that a client cannot multiply
    /// its bytes with placeholders of its own.
    attachments: &'a mut [Option<&'b Bytes>],
    /// `true` if placeholders have a meaning.
    is_binary: bool,
}

/// What a written value would mean as a member of a placeholder.
#[derive(Clone, Copy, PartialEq)]
enum Seen {
    /// The value `true`.
    Marker,
    Number(u64),
    Other,
}

impl<'b> Walk<'_, 'b> {
    fn inner(&mut self) -> Walk<'_, 'b> {
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

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = Seen;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Seen, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
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
            let attachment =
                usize::try_from(number).ok().and_then(|at| self.attachments.get_mut(at));
            let bytes =
                attachment.and_then(Option::take).ok_or_else(|| A::Error::custom(NO_ATTACHMENT))?;
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

/// Converts an error of the encoder. Writing to a `Vec` does not fail.
fn failed<E: serde::de::Error>(error: impl fmt::Display) -> E {
    E::custom(error)
}

const NO_ATTACHMENT: &str = "a placeholder refers to no attachment, or to one that was written";
