//! Arguments that are relayed without being parsed.

use std::fmt;

use bytes::Bytes;
use serde::{de::DeserializeOwned, ser::Error as _};

use super::{Arguments, DecodeError, decode};
use crate::{binary::scope, json};

/// Arguments in their wire format: the text of a JSON array, and its attachments.
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
    /// JSON array. It starts and ends with a bracket.
    json: String,
    attachments: Vec<Bytes>,
}

impl RawArguments {
    /// Serializes the arguments of an event.
    ///
    /// # Errors
    /// Fails if the arguments cannot be serialized as JSON.
    pub fn new(arguments: &(impl Arguments + ?Sized)) -> serde_json::Result<Self> {
        Self::written(|out| arguments.write(out))
    }

    /// Serializes the arguments of an ack. Only `()` is written differently than in an event: it is
    /// `null`.
    ///
    /// # Errors
    /// Fails if the arguments cannot be serialized as JSON.
    pub fn for_ack(arguments: &(impl Arguments + ?Sized)) -> serde_json::Result<Self> {
        Self::written(|out| arguments.write_ack(out))
    }

    fn written(
        write: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>,
    ) -> serde_json::Result<Self> {
        let mut out = Vec::with_capacity(128);
        out.push(b'[');
        let (written, attachments) = scope::write(|| write(&mut out));
        written?;
        out.push(b']');
        let json = String::from_utf8(out).map_err(serde_json::Error::custom)?;
        Ok(Self { json, attachments })
    }

    /// Extracts the arguments of an event.
    ///
    /// `data` is the array of [`Event::data`](crate::Event::data), `["name", argument, ..]`. The
    /// result has no arguments if `data` is not such an array.
    #[must_use]
    pub fn from_event(data: &str, attachments: Vec<Bytes>) -> Self {
        let json = json::behind_name(data).map_or_else(|| "[]".into(), |rest| format!("[{rest}"));
        Self { json, attachments }
    }

    /// Extracts the arguments of an ack.
    ///
    /// `data` is the array of [`Ack::data`](crate::Ack::data), `[argument, ..]`. The result has no
    /// arguments if `data` does not start and end with a bracket.
    #[must_use]
    pub fn from_ack(data: &str, attachments: Vec<Bytes>) -> Self {
        let data = data.trim_ascii();
        let json = if items(data).is_some() { data } else { "[]" };
        Self { json: json.into(), attachments }
    }

    /// Returns the arguments as a JSON array.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Returns the attachments that placeholders in the array refer to.
    #[must_use]
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }

    /// Decodes the arguments as [`decode_ack`](crate::decode_ack) does. Several arguments are
    /// decoded as a list, so `T` must be a list or a tuple.
    ///
    /// # Errors
    /// [`DecodeError`] if the arguments are not a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        decode::decode_ack(&self.json, &self.attachments)
    }

    /// Decodes the arguments into a list or a tuple, even if there is only one argument or none.
    ///
    /// # Errors
    /// [`DecodeError`] if the arguments are not a `T`.
    pub fn decode_all<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        decode::decode_ack_all(&self.json, &self.attachments)
    }
}

/// Writes the arguments unchanged. Their placeholders are numbered from zero, so writing fails if
/// the packet already has other attachments.
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

/// Prints only sizes, because the content is private to the client.
impl fmt::Debug for RawArguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attachments: Vec<usize> = self.attachments.iter().map(Bytes::len).collect();
        f.debug_struct("RawArguments")
            .field("json_bytes", &self.json.len())
            .field("attachment_bytes", &attachments)
            .finish()
    }
}

/// Returns the text between the brackets of an array, or `None` if `json` is not in brackets.
fn items(json: &str) -> Option<&str> {
    json.strip_prefix('[')?.strip_suffix(']').map(str::trim_ascii)
}
