//! Binary values in a payload.
//!
//! On the wire, bytes follow their packet as attachments, and a placeholder in the JSON marks their
//! place. serde has no attachments, so the encoder and the decoder keep them in a [`scope`] during
//! the call. [`Binary`] adds them to the scope or takes them from there. The module [`tree`]
//! distinguishes bytes from JSON when a payload is decoded. Start reading at [`Binary`].

mod placeholders;
pub(crate) mod scope;
mod tree;

use std::fmt;

use bytes::Bytes;
pub(crate) use placeholders::check_placeholders;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, Unexpected, Visitor},
    ser::{Error as _, SerializeStruct},
};
pub(crate) use tree::{Node, recorded};

/// Bytes anywhere in a payload that are sent as an attachment.
///
/// A `Binary` can only be serialized into packets and deserialized from packets. With any other
/// format, both return an error, because the format cannot carry the attachment.
///
/// # Examples
/// ```
/// use doorward_protocol::{Binary, decode_event, packet};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Picture {
///     name: String,
///     pixels: Binary,
/// }
///
/// let picture = Picture { name: "dot".into(), pixels: Binary(vec![0xFF].into()) };
/// let mut out = Vec::new();
/// let attachments = packet::write_event(&mut out, "/", None, "draw", &picture)?;
/// assert_eq!(
///     out,
///     br#"451-["draw",{"name":"dot","pixels":{"_placeholder":true,"num":0}}]"#,
/// );
///
/// let json = r#"["draw",{"name":"dot","pixels":{"_placeholder":true,"num":0}}]"#;
/// assert_eq!(decode_event::<Picture>(json, &attachments)?.pixels, picture.pixels);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Binary(pub Bytes);

impl Serialize for Binary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = scope::attach(&self.0)
            .ok_or_else(|| S::Error::custom("binary can be written into packets only"))?;
        let mut placeholder = serializer.serialize_struct("Binary", 2)?;
        placeholder.serialize_field("_placeholder", &true)?;
        placeholder.serialize_field("num", &number)?;
        placeholder.end()
    }
}

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !scope::is_reading() {
            return Err(D::Error::custom("binary can be read from packets only"));
        }
        deserializer.deserialize_newtype_struct(NEWTYPE, Attached)
    }
}

/// Visitor that receives the [`token`] of an attachment from a [`Node`], and returns the
/// attachment.
struct Attached;

impl<'de> Visitor<'de> for Attached {
    type Value = Binary;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("binary")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Binary, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Binary, E> {
        let attached = token::number(bytes).and_then(scope::attachment);
        attached.map(Binary).ok_or_else(|| E::invalid_type(Unexpected::Other("text"), &self))
    }
}

/// Newtype name by which a [`Node`] recognises that a [`Binary`] is requested.
const NEWTYPE: &str = "$doorward::Binary";

/// Tokens, each of which represents an attachment while serde passes a value on. A token is a mark
/// and the number of the attachment. No text starts with the mark, because 0xFF does not occur in
/// UTF-8 (RFC 3629, section 1).
mod token {
    const MARK: [u8; 8] = *b"\xFFbinary\xFF";

    pub(super) fn of(attachment: u64) -> [u8; 16] {
        (u128::from(u64::from_be_bytes(MARK)) << 64 | u128::from(attachment)).to_be_bytes()
    }

    pub(super) fn number(bytes: &[u8]) -> Option<u64> {
        bytes.strip_prefix(&MARK)?.try_into().map(u64::from_be_bytes).ok()
    }
}

#[cfg(test)]
mod tests;
