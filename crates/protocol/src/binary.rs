//! Bytes in a payload.
//!
//! On the wire they stand behind their packet as attachments, and a placeholder says where they
//! belong. Plain serde knows nothing of attachments, so encoder and decoder leave them in a [`scope`]
//! around the one call, and [`Binary`] finds them there. Start reading at [`Binary`].

mod placeholders;
pub(crate) mod scope;

use std::fmt;

use bytes::Bytes;
pub(crate) use placeholders::check_placeholders;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, IgnoredAny, MapAccess, Unexpected, Visitor},
    ser::{Error as _, SerializeStruct},
};

/// Bytes that travel as bytes, anywhere in a payload.
///
/// It is read from and written to packets only. Whoever tries it with another serializer gets an
/// error, since there is no place for the bytes.
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
        deserializer.deserialize_map(Placeholder)
    }
}

/// Takes a placeholder and gives out the attachment it stands for.
struct Placeholder;

impl<'de> Visitor<'de> for Placeholder {
    type Value = Binary;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("binary")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Binary, A::Error> {
        let (mut is_placeholder, mut number) = (false, None);
        while let Some(key) = map.next_key()? {
            match key {
                Key::Placeholder => {
                    is_placeholder = matches!(map.next_value()?, Scalar::Bool(true));
                }
                Key::Number => number = Some(map.next_value()?),
                Key::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let Some(Scalar::Number(number)) = number.filter(|_| is_placeholder) else {
            return Err(A::Error::invalid_type(Unexpected::Map, &self));
        };
        scope::attachment(number)
            .map(Binary)
            .ok_or_else(|| A::Error::invalid_value(Unexpected::Unsigned(number), &self))
    }
}

/// A key of a placeholder.
#[derive(Deserialize)]
#[serde(field_identifier)]
enum Key {
    #[serde(rename = "_placeholder")]
    Placeholder,
    #[serde(rename = "num")]
    Number,
    #[serde(other)]
    Other,
}

/// A value of a placeholder; whatever cannot be one is as good as nothing.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Bool(bool),
    Number(u64),
    Other(IgnoredAny),
}

#[cfg(test)]
mod tests;
