//! Deserializes arguments into types.
//!
//! A single argument is deserialized directly from the text. If that fails because there are
//! several arguments, they are deserialized as a list. If it fails for another reason, the text is
//! parsed once more to find the path of the error. Start reading at [`decode_event`].

use std::{fmt, marker::PhantomData};

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, DeserializeSeed, Error as _, IgnoredAny, SeqAccess, Visitor},
};
use serde_json::Value;
use serde_path_to_error::Track;

use super::several::Several;
use crate::{
    binary::{Node, scope},
    json,
};

/// Error returned when arguments of a client cannot be decoded. The client is at fault.
///
/// # Examples
/// ```
/// use doorward_protocol::decode_event;
///
/// let error = decode_event::<Vec<u8>>(r#"["sum",[1,2,"x"]]"#, &[]).unwrap_err();
/// assert_eq!(error.path(), "[2]");
/// assert_eq!(error.to_string(), "arguments cannot be decoded");
/// assert!(error.source.to_string().contains("expected u8"));
/// ```
#[derive(Debug, thiserror::Error)]
// The source and the path may quote the client's input, so the message contains neither.
#[error("arguments cannot be decoded")]
#[non_exhaustive]
pub struct DecodeError {
    /// Path of the value that cannot be decoded, such as `items[2].name`. It is empty for the
    /// payload itself.
    pub path: String,
    /// Description of the error. It may quote the payload.
    pub source: serde_json::Error,
}

impl DecodeError {
    /// Returns the path of the value that cannot be decoded, such as `items[2].name`. It is empty
    /// for the payload itself, and starts with `[1]` for the second of several arguments. Map keys
    /// in the path are text of the client.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

type Decoded<T> = Result<T, DecodeError>;

/// Decodes the arguments of an event from its array `["name", argument, ..]`.
///
/// A single argument is decoded into `T`. Several arguments are decoded as a list, so `T` must be a
/// list or a tuple. Without arguments, `T` is decoded from `null`, which `()` and `Option` accept.
/// A [`Binary`](crate::Binary) takes its bytes from `attachments`.
///
/// # Examples
/// ```
/// use doorward_protocol::decode_event;
///
/// assert_eq!(decode_event::<String>(r#"["greet","Ann"]"#, &[])?, "Ann");
/// assert_eq!(decode_event::<(u8, String)>(r#"["move",3,"up"]"#, &[])?, (3, "up".to_owned()));
/// assert_eq!(decode_event::<Option<u8>>(r#"["greet"]"#, &[])?, None);
/// # Ok::<_, doorward_protocol::DecodeError>(())
/// ```
///
/// # Errors
/// [`DecodeError`] if the arguments are not a `T`. This is the client's fault.
pub fn decode_event<T: DeserializeOwned>(data: &str, attachments: &[Bytes]) -> Decoded<T> {
    decode(Array { data, is_named: true, attachments: attachments.len() }, attachments)
}

/// Decodes the arguments of an ack from its array `[argument, ..]`, as [`decode_event`] does.
///
/// # Examples
/// ```
/// assert_eq!(doorward_protocol::decode_ack::<u8>("[7]", &[])?, 7);
/// # Ok::<_, doorward_protocol::DecodeError>(())
/// ```
///
/// # Errors
/// [`DecodeError`] if the arguments are not a `T`. This is the client's fault.
pub fn decode_ack<T: DeserializeOwned>(data: &str, attachments: &[Bytes]) -> Decoded<T> {
    decode(Array { data, is_named: false, attachments: attachments.len() }, attachments)
}

/// Decodes the arguments of an event into a list or a tuple, even if there is only one argument or
/// none.
///
/// # Examples
/// ```
/// use doorward_protocol::decode_all;
///
/// assert!(decode_all::<Vec<u8>>(r#"["sum"]"#, &[])?.is_empty());
/// assert_eq!(decode_all::<(u8,)>(r#"["sum",1]"#, &[])?, (1,));
/// # Ok::<_, doorward_protocol::DecodeError>(())
/// ```
///
/// # Errors
/// [`DecodeError`] if the arguments are not a `T`. This is the fault of the program if `T` is not a
/// list, and the fault of the client otherwise.
pub fn decode_all<T: DeserializeOwned>(data: &str, attachments: &[Bytes]) -> Decoded<T> {
    let array = Array { data, is_named: true, attachments: attachments.len() };
    scope::read(attachments, || array.all(NO_LIST))
}

/// Decodes the arguments of an ack as [`decode_all`] does.
pub(super) fn decode_ack_all<T: DeserializeOwned>(data: &str, attachments: &[Bytes]) -> Decoded<T> {
    let array = Array { data, is_named: false, attachments: attachments.len() };
    scope::read(attachments, || array.all(NO_LIST))
}

/// Checks that each placeholder in an event refers to an attachment, so that the event can be
/// relayed to other clients.
///
/// Without attachments the check passes, because a placeholder in a text packet is an ordinary
/// object.
///
/// # Examples
/// ```
/// use doorward_protocol::check_binary;
///
/// let data = r#"["e",{"_placeholder":true,"num":1}]"#;
/// assert!(check_binary(data, &["only".into()]).is_err());
/// assert!(check_binary(data, &[]).is_ok(), "it is an object like any other");
/// ```
///
/// # Errors
/// [`DecodeError`] if a placeholder refers to no attachment, or if `data` is not JSON. This is the
/// client's fault.
pub fn check_binary(data: &str, attachments: &[Bytes]) -> Result<(), DecodeError> {
    if attachments.is_empty() {
        return Ok(());
    }
    let parsed = Node::parse(data, attachments.len());
    parsed.map(drop).map_err(|source| DecodeError { path: String::new(), source })
}

fn decode<T: DeserializeOwned>(array: Array<'_>, attachments: &[Bytes]) -> Decoded<T> {
    match scope::read(attachments, || array.one(PhantomData)) {
        Ok(Some(value)) => Ok(value),
        read => scope::read(attachments, || decode_others(array, read.is_ok())),
    }
}

/// Decodes the arguments after an attempt to decode a single one. There are none, there are
/// several, or the only one is invalid. `is_none` is `true` if there are none.
#[cold]
fn decode_others<T: DeserializeOwned>(array: Array<'_>, is_none: bool) -> Decoded<T> {
    let null = || tracked(|_| T::deserialize(Value::Null));
    // If there are several arguments, the error must not be that the first one is wrong, so they
    // are counted first. The path is tracked only here, because tracking would slow down the
    // decoding of valid arguments.
    if is_none {
        return null();
    }
    if array.holds_several() {
        return array.all(ONE);
    }
    tracked(|track| array.one(Tracked(track, PhantomData)))?.map_or_else(null, Ok)
}

/// JSON array of an event or an ack.
#[derive(Clone, Copy)]
struct Array<'a> {
    data: &'a str,
    /// `true` if the first item is the name of an event.
    is_named: bool,
    /// Number of attachments that placeholders may refer to.
    attachments: usize,
}

impl<'a> Array<'a> {
    fn read<V: Visitor<'a>>(self, visitor: V) -> serde_json::Result<V::Value> {
        if self.attachments == 0 {
            return json::read_seq(self.data, visitor);
        }
        Node::parse(self.data, self.attachments)?.deserialize_seq(visitor)
    }

    /// Deserializes the only argument. Returns `None` if there is no argument, and fails if there
    /// are several.
    fn one<S: DeserializeSeed<'a>>(self, seed: S) -> serde_json::Result<Option<S::Value>> {
        self.read(One { is_named: self.is_named, seed })
    }

    /// Deserializes all arguments as one list.
    fn list<S: DeserializeSeed<'a>>(
        self,
        seed: S,
        refusal: &'static str,
    ) -> serde_json::Result<S::Value> {
        self.read(List { is_named: self.is_named, seed, refusal })
    }

    fn all<T: Deserialize<'a>>(self, refusal: &'static str) -> Decoded<T> {
        self.list(PhantomData, refusal)
            .or_else(|_| tracked(|track| self.list(Tracked(track, PhantomData), refusal)))
    }

    fn holds_several(self) -> bool {
        let arguments: serde_json::Result<Vec<IgnoredAny>> = self.list(PhantomData, NO_LIST);
        arguments.is_ok_and(|arguments| arguments.len() > 1)
    }
}

struct One<S> {
    is_named: bool,
    seed: S,
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for One<S> {
    type Value = Option<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ARRAY)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        if self.is_named {
            seq.next_element::<IgnoredAny>()?;
        }
        let value = seq.next_element_seed(self.seed)?;
        if value.is_some() && seq.next_element::<IgnoredAny>()?.is_some() {
            return Err(A::Error::custom(ONE));
        }
        Ok(value)
    }
}

struct List<S> {
    is_named: bool,
    seed: S,
    refusal: &'static str,
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for List<S> {
    type Value = S::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ARRAY)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        if self.is_named {
            seq.next_element::<IgnoredAny>()?;
        }
        let value = self.seed.deserialize(Several { seq: &mut seq, refusal: self.refusal })?;
        if seq.next_element::<IgnoredAny>()?.is_some() {
            return Err(A::Error::custom(FEWER));
        }
        Ok(value)
    }
}

/// Deserializes a `T` and tracks the current path.
struct Tracked<'t, T>(&'t mut Track, PhantomData<T>);

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Tracked<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::deserialize(serde_path_to_error::Deserializer::new(deserializer, self.0))
    }
}

/// Runs `read`, and adds the path of the failed value to its error.
fn tracked<R>(read: impl FnOnce(&mut Track) -> serde_json::Result<R>) -> Decoded<R> {
    let mut track = Track::new();
    read(&mut track).map_err(|source| {
        let path = track.path();
        let is_root = path.iter().len() == 0;
        DecodeError { path: if is_root { String::new() } else { path.to_string() }, source }
    })
}

const ARRAY: &str = "an array of arguments";
const FEWER: &str = "expected fewer arguments";
const NO_LIST: &str = "arguments are read into a tuple or a list";
const ONE: &str = "expected one argument";
