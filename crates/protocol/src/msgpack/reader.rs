//! Reads the values of MessagePack (<https://github.com/msgpack/msgpack/blob/master/spec.md>), and
//! writes them as JSON. Start reading at [`Reader::value`].

mod extension;

use std::borrow::Cow;

use bytes::Bytes;
use rmp::Marker;

use super::error::MsgpackError;

/// Reader of MessagePack that writes JSON.
pub(super) struct Reader<'a> {
    /// Bytes that were not read yet.
    rest: &'a [u8],
    json: Vec<u8>,
    /// Maximum length of `json`.
    limit: usize,
    attachments: Vec<Bytes>,
    max_attachments: usize,
    /// `true` if a map has a key of a placeholder.
    has_placeholder: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(message: &'a [u8], limit: usize, max_attachments: usize) -> Self {
        let (json, attachments) = (Vec::new(), Vec::new());
        Self { rest: message, json, limit, attachments, max_attachments, has_placeholder: false }
    }

    pub(super) fn json(&self) -> &[u8] {
        &self.json
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn has_attachments(&self) -> bool {
        !self.attachments.is_empty()
    }

    /// Returns the JSON, the bytes that its placeholders refer to, and `true` if a map of the client
    /// looks like a placeholder.
    pub(super) fn into_parts(self) -> (Vec<u8>, Vec<Bytes>, bool) {
        (self.json, self.attachments, self.has_placeholder)
    }

    /// Returns the bytes that were not read yet.
    pub(super) fn position(&self) -> &'a [u8] {
        self.rest
    }

    /// Goes back to `position`, skips the value there, and sets the JSON.
    pub(super) fn replace(&mut self, position: &'a [u8], json: &[u8]) -> Result<(), MsgpackError> {
        self.rest = position;
        self.attachments.clear();
        self.json = json.to_vec();
        self.skip()
    }

    /// Skips a value of any size and depth.
    pub(super) fn skip(&mut self) -> Result<(), MsgpackError> {
        let mut values: u64 = 1;
        while values > 0 {
            values -= 1;
            let (bytes, inside) = match self.marker()? {
                Marker::FixPos(_)
                | Marker::FixNeg(_)
                | Marker::Null
                | Marker::True
                | Marker::False => (0, 0),
                Marker::U8 | Marker::I8 => (1, 0),
                // The type of an extension is one more byte.
                Marker::U16 | Marker::I16 | Marker::FixExt1 => (2, 0),
                Marker::U32 | Marker::I32 | Marker::F32 => (4, 0),
                Marker::U64 | Marker::I64 | Marker::F64 => (8, 0),
                Marker::FixStr(length) => (length.into(), 0),
                Marker::Str8 | Marker::Bin8 => (self.length::<1>()?, 0),
                Marker::Str16 | Marker::Bin16 => (self.length::<2>()?, 0),
                Marker::Str32 | Marker::Bin32 => (self.length::<4>()?, 0),
                Marker::FixExt2 => (3, 0),
                Marker::FixExt4 => (5, 0),
                Marker::FixExt8 => (9, 0),
                Marker::FixExt16 => (17, 0),
                Marker::Ext8 => (self.length::<1>()? + 1, 0),
                Marker::Ext16 => (self.length::<2>()? + 1, 0),
                Marker::Ext32 => (self.length::<4>()? + 1, 0),
                marker @ (Marker::FixArray(_) | Marker::Array16 | Marker::Array32) => {
                    (0, self.array_length(marker)?)
                }
                marker => (0, 2 * self.map_length(marker)?),
            };
            self.bytes(bytes)?;
            // Each value has a byte, so the message ends before this number is large.
            values = values.saturating_add(inside as u64);
        }
        Ok(())
    }

    /// Reads a value inside `depth` arrays and maps. Returns `false` for `undefined`, and writes
    /// nothing.
    pub(super) fn value(&mut self, depth: usize) -> Result<bool, MsgpackError> {
        if depth > MAX_DEPTH {
            return Err(MsgpackError::Malformed);
        }
        match self.marker()? {
            Marker::Null => self.json.extend_from_slice(b"null"),
            Marker::True => self.json.extend_from_slice(b"true"),
            Marker::False => self.json.extend_from_slice(b"false"),
            Marker::F32 => {
                let number = f32::from_be_bytes(self.take()?);
                self.write(&f64::from(number))?;
            }
            Marker::F64 => {
                let number = f64::from_be_bytes(self.take()?);
                self.write(&number)?;
            }
            marker @ (Marker::FixNeg(_) | Marker::I8 | Marker::I16 | Marker::I32 | Marker::I64) => {
                let number = self.signed(marker)?;
                self.write(&number)?;
            }
            marker @ (Marker::FixArray(_) | Marker::Array16 | Marker::Array32) => {
                let length = self.array_length(marker)?;
                self.array(length, depth)?;
            }
            marker @ (Marker::FixMap(_) | Marker::Map16 | Marker::Map32) => {
                let length = self.map_length(marker)?;
                self.map(length, depth)?;
            }
            Marker::Bin8 => self.binary_of::<1>()?,
            Marker::Bin16 => self.binary_of::<2>()?,
            Marker::Bin32 => self.binary_of::<4>()?,
            marker @ (Marker::FixExt1
            | Marker::FixExt2
            | Marker::FixExt4
            | Marker::FixExt8
            | Marker::FixExt16
            | Marker::Ext8
            | Marker::Ext16
            | Marker::Ext32) => return self.extension(marker),
            Marker::Reserved => return Err(MsgpackError::Malformed),
            marker => match self.unsigned(marker)? {
                Some(number) => self.write(&number)?,
                None => {
                    let text = self.text_of(marker)?;
                    self.write(text)?;
                }
            },
        }
        self.check_size()?;
        Ok(true)
    }

    fn array(&mut self, length: usize, depth: usize) -> Result<(), MsgpackError> {
        self.json.push(b'[');
        for index in 0..length {
            if index > 0 {
                self.json.push(b',');
            }
            if !self.value(depth + 1)? {
                self.json.extend_from_slice(b"null");
            }
        }
        self.json.push(b']');
        Ok(())
    }

    fn map(&mut self, length: usize, depth: usize) -> Result<(), MsgpackError> {
        self.json.push(b'{');
        let mut is_first = true;
        for _ in 0..length {
            let before = self.json.len();
            if !is_first {
                self.json.push(b',');
            }
            let key = self.key()?;
            match &*key {
                "_placeholder" => self.has_placeholder = true,
                // JavaScript clients with MessagePack would take its value for the prototype of the
                // object.
                "__proto__" => return Err(MsgpackError::Malformed),
                _ => {}
            }
            self.write(&*key)?;
            self.json.push(b':');
            if self.value(depth + 1)? {
                is_first = false;
            } else {
                self.json.truncate(before);
            }
        }
        self.json.push(b'}');
        Ok(())
    }

    /// Reads the length of an array after its marker.
    fn array_length(&mut self, marker: Marker) -> Result<usize, MsgpackError> {
        match marker {
            Marker::FixArray(length) => Ok(length.into()),
            Marker::Array16 => self.length::<2>(),
            _ => self.length::<4>(),
        }
    }

    /// Reads the length of a map after its marker.
    pub(super) fn map_length(&mut self, marker: Marker) -> Result<usize, MsgpackError> {
        match marker {
            Marker::FixMap(length) => Ok(length.into()),
            Marker::Map16 => self.length::<2>(),
            Marker::Map32 => self.length::<4>(),
            _ => Err(MsgpackError::Malformed),
        }
    }

    fn binary_of<const N: usize>(&mut self) -> Result<(), MsgpackError> {
        let length = self.length::<N>()?;
        let bytes = self.bytes(length)?;
        self.binary(bytes)
    }

    /// Keeps bytes as an attachment, and writes their placeholder.
    fn binary(&mut self, bytes: &[u8]) -> Result<(), MsgpackError> {
        let number = self.attachments.len();
        if number >= self.max_attachments {
            return Err(MsgpackError::Attachments);
        }
        self.attachments.push(Bytes::copy_from_slice(bytes));
        self.json.extend_from_slice(br#"{"_placeholder":true,"num":"#);
        self.write(&number)?;
        self.json.push(b'}');
        Ok(())
    }

    /// Reads the key of a map. Python writes keys that are no texts, which become texts as in JSON.
    pub(super) fn key(&mut self) -> Result<Cow<'a, str>, MsgpackError> {
        Ok(match self.marker()? {
            Marker::Null => "null".into(),
            Marker::True => "true".into(),
            Marker::False => "false".into(),
            Marker::F64 => f64::from_be_bytes(self.take()?).to_string().into(),
            marker @ (Marker::FixNeg(_) | Marker::I8 | Marker::I16 | Marker::I32 | Marker::I64) => {
                self.signed(marker)?.to_string().into()
            }
            marker => match self.unsigned(marker)? {
                Some(number) => number.to_string().into(),
                None => self.text_of(marker)?.into(),
            },
        })
    }

    /// Reads a text. Returns `None` for `undefined`.
    pub(super) fn text(&mut self) -> Result<Option<&'a str>, MsgpackError> {
        match self.marker()? {
            Marker::FixExt1 => self.undefined(),
            marker => self.text_of(marker).map(Some),
        }
    }

    /// Reads an unsigned number. Returns `None` for `undefined`.
    pub(super) fn number(&mut self) -> Result<Option<u64>, MsgpackError> {
        match self.marker()? {
            Marker::FixExt1 => self.undefined(),
            marker => self.unsigned(marker)?.ok_or(MsgpackError::Malformed).map(Some),
        }
    }

    fn undefined<T>(&mut self) -> Result<Option<T>, MsgpackError> {
        match self.take()? {
            [0, _] => Ok(None),
            _ => Err(MsgpackError::Malformed),
        }
    }

    /// Reads an unsigned number after its marker. Returns `None` if the marker is not that of an
    /// unsigned number.
    fn unsigned(&mut self, marker: Marker) -> Result<Option<u64>, MsgpackError> {
        Ok(Some(match marker {
            Marker::FixPos(number) => number.into(),
            Marker::U8 => u8::from_be_bytes(self.take()?).into(),
            Marker::U16 => u16::from_be_bytes(self.take()?).into(),
            Marker::U32 => u32::from_be_bytes(self.take()?).into(),
            Marker::U64 => u64::from_be_bytes(self.take()?),
            _ => return Ok(None),
        }))
    }

    /// Reads a signed number after its marker.
    fn signed(&mut self, marker: Marker) -> Result<i64, MsgpackError> {
        Ok(match marker {
            Marker::FixNeg(number) => number.into(),
            Marker::I8 => i8::from_be_bytes(self.take()?).into(),
            Marker::I16 => i16::from_be_bytes(self.take()?).into(),
            Marker::I32 => i32::from_be_bytes(self.take()?).into(),
            _ => i64::from_be_bytes(self.take()?),
        })
    }

    fn text_of(&mut self, marker: Marker) -> Result<&'a str, MsgpackError> {
        let length = match marker {
            Marker::FixStr(length) => length.into(),
            Marker::Str8 => self.length::<1>()?,
            Marker::Str16 => self.length::<2>()?,
            Marker::Str32 => self.length::<4>()?,
            _ => return Err(MsgpackError::Malformed),
        };
        std::str::from_utf8(self.bytes(length)?).map_err(|_not_utf8| MsgpackError::Malformed)
    }

    pub(super) fn marker(&mut self) -> Result<Marker, MsgpackError> {
        self.take().map(|[byte]| Marker::from_u8(byte))
    }

    /// Reads a length of `N` bytes.
    fn length<const N: usize>(&mut self) -> Result<usize, MsgpackError> {
        let bytes: [u8; N] = self.take()?;
        Ok(bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], MsgpackError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(MsgpackError::Malformed)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], MsgpackError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(MsgpackError::Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Appends a value to the JSON. A number that is not finite becomes `null`.
    fn write(&mut self, value: &(impl serde::Serialize + ?Sized)) -> Result<(), MsgpackError> {
        let written = serde_json::to_writer(&mut self.json, value);
        written.map_err(|_never| MsgpackError::Malformed)
    }

    fn check_size(&self) -> Result<(), MsgpackError> {
        if self.json.len() <= self.limit { Ok(()) } else { Err(MsgpackError::TooLarge) }
    }
}

/// Maximum nesting of arrays and maps. It only protects the stack:
/// [`LinkConfig::max_depth`](crate::LinkConfig::max_depth) is smaller, and is checked later on the
/// JSON.
const MAX_DEPTH: usize = 120;
