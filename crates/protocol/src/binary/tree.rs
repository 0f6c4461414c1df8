//! Parses the JSON of a packet with attachments into a tree in which bytes differ from JSON values.
//!
//! JSON has no bytes. If a type were deserialized from the text, it could treat a placeholder as an
//! ordinary object of the client. It is therefore deserialized from a [`Node`].
//! [`Binary`](super::Binary) accepts the bytes. Every other type returns an error that says that it
//! did not expect bytes. Start reading at [`Node::parse`].

use std::{
    cell::{Cell, RefCell},
    fmt,
};

use serde::{
    Deserializer, Serialize, Serializer,
    de::{
        DeserializeSeed, Error as _, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
        Visitor,
        value::{BytesDeserializer, MapAccessDeserializer, MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
    ser::SerializeMap,
};
use serde_json::{Error, Number};

use super::{NEWTYPE, token};

/// One value of a payload.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Bool(bool),
    /// Bytes, as the number of their attachment.
    Bytes(u64),
    List(Vec<Self>),
    Map {
        /// Number of the object within the payload, counted from zero in the order of the text.
        number: usize,
        /// Members in the order of the text, including duplicate keys.
        entries: Vec<(Key, Self)>,
    },
    Null,
    Number(Number),
    Text(String),
}

impl Node {
    /// Parses the `json` of a packet that has this number of attachments.
    ///
    /// # Errors
    /// Fails if `json` is invalid, or if a placeholder refers to no attachment.
    pub(crate) fn parse(json: &str, attachments: usize) -> Result<Self, Error> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let parse = Parse { attachments: attachments as u64, objects: &Cell::new(0) };
        let node = parse.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(node)
    }
}

#[derive(Clone, Copy)]
struct Parse<'a> {
    attachments: u64,
    /// Number of objects parsed so far.
    objects: &'a Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Parse<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Parse<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Number::from_f64(value).map_or(Node::Null, Node::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::Text(value))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        let number = self.objects.replace(self.objects.get() + 1);
        // If a key occurs twice, JavaScript takes the last value.
        let (mut is_placeholder, mut attachment) = (false, None);
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(self)?;
            match &*key {
                "_placeholder" => is_placeholder = matches!(value, Node::Bool(true)),
                "num" => {
                    attachment = if let Node::Number(num) = &value { num.as_u64() } else { None };
                }
                _ => {}
            }
            entries.push((Key(key), value));
        }
        if !is_placeholder {
            return Ok(Node::Map { number, entries });
        }
        let attachment = attachment.filter(|number| *number < self.attachments);
        attachment.map(Node::Bytes).ok_or_else(|| A::Error::custom(NO_ATTACHMENT))
    }
}

impl<'de> Deserializer<'de> for Node {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Bytes(number) => {
                let expected = (&visitor as &dyn Expected).to_string();
                // serde buffers values of untagged enums for a second attempt. It buffers a newtype
                // as a newtype, so the value is still recognised as bytes.
                visitor
                    .visit_newtype_struct(Token(number))
                    .map_err(|_kind| Error::custom(format_args!("expected {expected}, not bytes")))
            }
            Self::List(items) => {
                let mut seq = SeqDeserializer::new(items.into_iter());
                let value = visitor.visit_seq(&mut seq)?;
                // Fails if the visitor has not taken every item, as `serde_json` does.
                seq.end()?;
                Ok(value)
            }
            Self::Map { entries, .. } => {
                let mut map = MapDeserializer::new(entries.into_iter());
                let value = visitor.visit_map(&mut map)?;
                map.end()?;
                Ok(value)
            }
            Self::Null => visitor.visit_unit(),
            Self::Number(number) => number.deserialize_any(visitor),
            Self::Text(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Null => visitor.visit_none(),
            some => visitor.visit_some(some),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Self::Bytes(number) if name == NEWTYPE => visitor.visit_newtype_struct(Token(number)),
            // The text exists only during this call. Deserializing from a reader makes `serde_json`
            // return an owned copy. Serializing fails if the node contains bytes.
            node if name == RAW_VALUE => {
                let text = serde_json::to_vec(&node)?;
                serde_json::Deserializer::from_reader(&*text)
                    .deserialize_newtype_struct(name, visitor)
            }
            node => visitor.visit_newtype_struct(node),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Self::Text(text) => visitor.visit_enum(text.into_deserializer()),
            Self::Map { entries, .. } if entries.len() == 1 => {
                let map = MapDeserializer::new(entries.into_iter());
                visitor.visit_enum(MapAccessDeserializer::new(map))
            }
            Self::Map { .. } => {
                Err(Error::invalid_value(Unexpected::Map, &"map with a single key"))
            }
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        // Only structs and struct variants rename fields, so only their field names are recorded.
        if let Self::Map { number, .. } = &self {
            record(*number, fields);
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map identifier
    }
}

impl IntoDeserializer<'_, Error> for Node {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Serializes the value as JSON. Fails if it contains bytes.
impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Bytes(_) => Err(serde::ser::Error::custom("expected JSON, not bytes")),
            Self::Null => serializer.serialize_unit(),
            Self::List(items) => serializer.collect_seq(items),
            Self::Map { entries, .. } => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (Key(key), value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

/// Key of a map entry. As in `serde_json`, it is deserialized as text, or as the number or boolean
/// that the text spells.
#[derive(Clone, Debug)]
pub(crate) struct Key(String);

impl Key {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! parsed {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match serde_json::from_str::<serde_json::Value>(&self.0) {
                Ok(value @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_))) => {
                    value.$method(visitor)
                }
                _ => visitor.visit_string(self.0),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Key {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    parsed! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl IntoDeserializer<'_, Error> for Key {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Deserializer that presents bytes to a visitor as a newtype in a newtype. Only
/// [`Binary`](super::Binary) unpacks it.
///
/// With a single newtype, a newtype of the program could unpack plain bytes after serde has
/// buffered them.
struct Token(u64);

impl<'de> Deserializer<'de> for Token {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(BytesDeserializer::new(&token::of(self.0)))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

thread_local! {
    /// Field names that were recorded so far. `None` if no recording is active.
    static ASKED: RefCell<Option<Asked>> = const { RefCell::new(None) };
}

/// Field names of structs, each with the number of the object from which the struct is
/// deserialized.
type Asked = Vec<(usize, &'static [&'static str])>;

/// Runs `read`, and returns its result with the field names of the structs that it deserialized.
pub(crate) fn recorded<R>(read: impl FnOnce() -> R) -> (R, Asked) {
    /// Stops recording when dropped, even if `read` panics.
    struct Recording;

    impl Drop for Recording {
        fn drop(&mut self) {
            ASKED.set(None);
        }
    }

    ASKED.set(Some(Asked::new()));
    let _recording = Recording;
    let result = read();
    (result, ASKED.take().unwrap_or_default())
}

fn record(object: usize, fields: &'static [&'static str]) {
    ASKED.with_borrow_mut(|asked| {
        if let Some(asked) = asked {
            asked.push((object, fields));
        }
    });
}

/// Newtype name by which `serde_json` recognises `RawValue`, which accepts the text of any value.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

const NO_ATTACHMENT: &str = "expected an attachment for each placeholder";
