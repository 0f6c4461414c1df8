//! Checks that every placeholder of an outgoing packet has its attachment.
//!
//! Stock clients close their connection if they receive a placeholder without an attachment. A
//! payload may contain JSON that a client invented. If the server relayed a forged placeholder, all
//! recipients would disconnect.

use std::fmt;

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor},
};

/// Fails if a placeholder in `json` has no number, or a number that is not below `attachments`.
pub(crate) fn check_placeholders(json: &[u8], attachments: usize) -> serde_json::Result<()> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    Walk { attachments: attachments as u64 }.deserialize(&mut deserializer)?;
    deserializer.end()
}

/// Visitor that checks the placeholders in any JSON. The packet has this many attachments.
#[derive(Clone, Copy)]
struct Walk {
    attachments: u64,
}

/// Meaning that a JSON value has if it is a member of a placeholder object.
#[derive(Clone, Copy, PartialEq)]
enum Seen {
    /// The value `true`.
    Marker,
    /// The number of an attachment that exists.
    Number,
    Other,
}

impl<'de> DeserializeSeed<'de> for Walk {
    type Value = Seen;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Seen, D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! other {
    ($($method:ident($value:ty))*) => {$(
        fn $method<E>(self, _: $value) -> Result<Seen, E> {
            Ok(Seen::Other)
        }
    )*};
}

impl<'de> Visitor<'de> for Walk {
    type Value = Seen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Seen, E> {
        Ok(if value { Seen::Marker } else { Seen::Other })
    }

    fn visit_u64<E>(self, value: u64) -> Result<Seen, E> {
        Ok(if value < self.attachments { Seen::Number } else { Seen::Other })
    }

    // Negative numbers and fractions refer to no attachment.
    other! { visit_i64(i64) visit_f64(f64) visit_str(&str) }

    fn visit_unit<E>(self) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Seen, A::Error> {
        while seq.next_element_seed(self)?.is_some() {}
        Ok(Seen::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Seen, A::Error> {
        // If a key occurs twice, JavaScript takes the last value.
        let (mut marker, mut number) = (Seen::Other, Seen::Other);
        while let Some(key) = map.next_key()? {
            let seen = map.next_value_seed(self)?;
            match key {
                Key::Placeholder => marker = seen,
                Key::Number => number = seen,
                Key::Other => {}
            }
        }
        if marker == Seen::Marker && number != Seen::Number {
            return Err(A::Error::custom("a placeholder refers to no attachment"));
        }
        Ok(Seen::Other)
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
