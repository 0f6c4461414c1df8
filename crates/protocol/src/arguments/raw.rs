//! Arguments that are passed on as they came.

use std::fmt;

use bytes::Bytes;
use serde::{de::DeserializeOwned, ser::Error as _};

use super::{Arguments, DecodeError, decode};
use crate::{binary::scope, json};

/// Arguments as they stand on the wire: a JSON array as text, and its attachments.
///
/// # Examples
/// ```
/// use doorward_protocol::{RawArguments, packet};
///
/// let arguments = RawArguments::from_event(r#"["say","hi",2]"#, Vec::new());
/// assert_eq!(arguments.json(), r#"["hi",2]"#);
/// assert_eq!(arguments.decode::<(String, u8)>()?, ("hi".to_owned(), 2));
///
/// let mut out = Vec::new();
/// packet::write_event(&mut out, "/", None, "said", &arguments)?;
/// assert_eq!(out, br#"42["said","hi",2]"#);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RawArguments {
    /// Begins and ends with a bracket.
    json: String,
    attachments: Vec<Bytes>,
}

impl RawArguments {
    /// Writes arguments down.
    ///
    /// # Errors
    /// When they cannot be written as JSON.
    pub fn new(arguments: &(impl Arguments + ?Sized)) -> serde_json::Result<Self> {
        let mut out = Vec::with_capacity(128);
        out.push(b'[');
        let (written, attachments) = scope::write(|| arguments.write(&mut out));
        written?;
        out.push(b']');
        let json = String::from_utf8(out).map_err(serde_json::Error::custom)?;
        Ok(Self { json, attachments })
    }

    /// Takes the arguments of an event.
    ///
    /// `data` is what [`Event::data`](crate::Event::data) holds, `["name", argument, ..]`; what is
    /// no such array has no arguments.
    #[must_use]
    pub fn from_event(data: &str, attachments: Vec<Bytes>) -> Self {
        let json = json::behind_name(data).map_or_else(|| "[]".into(), |rest| format!("[{rest}"));
        Self { json, attachments }
    }

    /// Takes the arguments of an ack.
    ///
    /// `data` is what [`Ack::data`](crate::Ack::data) holds, `[argument, ..]`; what is no array has
    /// no arguments.
    #[must_use]
    pub fn from_ack(data: &str, attachments: Vec<Bytes>) -> Self {
        let data = data.trim_ascii();
        let json = if items(data).is_some() { data } else { "[]" };
        Self { json: json.into(), attachments }
    }

    /// Returns the array of the arguments.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Returns what the placeholders in the array refer to.
    #[must_use]
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }

    /// Reads them as [`decode_ack`](crate::decode_ack) does: one argument into `T`, several into a
    /// `T` that is a list or a tuple.
    ///
    /// # Errors
    /// [`DecodeError`] when they are no `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        decode::decode_ack(&self.json, &self.attachments)
    }

    /// Reads them into a list or a tuple, however many there are.
    ///
    /// # Errors
    /// [`DecodeError`] when they are no `T`.
    pub fn decode_all<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        decode::decode_ack_all(&self.json, &self.attachments)
    }
}

/// Writes the arguments as they are, so their attachments must be the first of the packet.
impl Arguments for RawArguments {
    fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        if !self.attachments.is_empty() && !scope::attach_first(&self.attachments) {
            return Err(serde_json::Error::custom(
                "raw arguments with attachments can only be the first ones of a packet",
            ));
        }
        out.extend_from_slice(items(&self.json).unwrap_or_default().as_bytes());
        Ok(())
    }
}

/// Prints sizes only: what is in them is the client's.
impl fmt::Debug for RawArguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attachments: Vec<usize> = self.attachments.iter().map(Bytes::len).collect();
        f.debug_struct("RawArguments")
            .field("json_bytes", &self.json.len())
            .field("attachment_bytes", &attachments)
            .finish()
    }
}

/// Returns what stands between the brackets of an array.
fn items(json: &str) -> Option<&str> {
    json.strip_prefix('[')?.strip_suffix(']').map(str::trim_ascii)
}
