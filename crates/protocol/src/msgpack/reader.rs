//! Reads the values of MessagePack (<https://github.com/msgpack/msgpack/blob/master/spec.md>), and
//! writes them as JSON. Start reading at [`Reader::value`].

use bytes::Bytes;
use jiff::Timestamp;
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
}

impl<'a> Reader<'a> {
    pub(super) fn new(message: &'a [u8], limit: usize, max_attachments: usize) -> Self {
        let (json, attachments) = (Vec::new(), Vec::new());
        Self { rest: message, json, limit, attachments, max_attachments }
    }

    pub(super) fn json(&self) -> &[u8] {
        &self.json
    }

    pub(super) fn clear_json(&mut self) {
        self.json.clear();
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Returns the JSON, and the bytes that its placeholders refer to.
    pub(super) fn into_parts(self) -> (Vec<u8>, Vec<Bytes>) {
        (self.json, self.attachments)
    }

    /// Reads a value and drops it.
    pub(super) fn skip(&mut self) -> Result<(), MsgpackError> {
        let (length, attachments) = (self.json.len(), self.attachments.len());
        self.value(0)?;
        self.json.truncate(length);
        self.attachments.truncate(attachments);
        Ok(())
    }

    /// Reads a value inside `depth` arrays and maps. Returns `false` for `undefined`, of which
    /// nothing is written.
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
            Marker::FixArray(length) => self.array(length.into(), depth)?,
            Marker::Array16 => {
                let length = self.length::<2>()?;
                self.array(length, depth)?;
            }
            Marker::Array32 => {
                let length = self.length::<4>()?;
                self.array(length, depth)?;
            }
            Marker::FixMap(length) => self.map(length.into(), depth)?,
            Marker::Map16 => {
                let length = self.length::<2>()?;
                self.map(length, depth)?;
            }
            Marker::Map32 => {
                let length = self.length::<4>()?;
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
            self.write(key)?;
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

    /// Reads an extension of `notepack.io`, which `socket.io-msgpack-parser` uses, or a timestamp of
    /// the specification. Returns `false` for `undefined`.
    fn extension(&mut self, marker: Marker) -> Result<bool, MsgpackError> {
        let (length, is_fixed) = match marker {
            Marker::FixExt1 => (1, true),
            Marker::FixExt2 => (2, true),
            Marker::FixExt4 => (4, true),
            Marker::FixExt8 => (8, true),
            Marker::FixExt16 => (16, true),
            Marker::Ext8 => (self.length::<1>()?, false),
            Marker::Ext16 => (self.length::<2>()?, false),
            _ => (self.length::<4>()?, false),
        };
        let kind = i8::from_be_bytes(self.take()?);
        let payload = self.bytes(length)?;
        match (kind, is_fixed, payload) {
            (0, true, [_]) => return Ok(false),
            // Milliseconds.
            (0, true, &[a, b, c, d, e, f, g, h]) => {
                let milliseconds = i64::from_be_bytes([a, b, c, d, e, f, g, h]);
                self.date(Timestamp::from_millisecond(milliseconds).ok())?;
            }
            // An `ArrayBuffer` of a browser.
            (0, false, bytes) => self.binary(bytes)?,
            (TIMESTAMP, _, bytes) => self.date(timestamp(bytes))?,
            _ => return Err(MsgpackError::Malformed),
        }
        self.check_size()?;
        Ok(true)
    }

    /// Writes a date as `Date.prototype.toJSON` does.
    fn date(&mut self, date: Option<Timestamp>) -> Result<(), MsgpackError> {
        match date {
            Some(date) => self.write(&format!("{date:.3}")),
            None => self.write(&()),
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

    pub(super) fn key(&mut self) -> Result<&'a str, MsgpackError> {
        let marker = self.marker()?;
        self.text_of(marker)
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
    pub(super) fn length<const N: usize>(&mut self) -> Result<usize, MsgpackError> {
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

/// Reads a timestamp of the specification: seconds in 32 bits, nanoseconds and seconds in 30 and 34
/// bits, or in 32 and 64 bits.
fn timestamp(bytes: &[u8]) -> Option<Timestamp> {
    let (seconds, nanoseconds) = match *bytes {
        [a, b, c, d] => (u32::from_be_bytes([a, b, c, d]).into(), 0),
        [a, b, c, d, e, f, g, h] => {
            let both = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
            (i64::try_from(both & 0x3_FFFF_FFFF).ok()?, i32::try_from(both >> 34).ok()?)
        }
        [a, b, c, d, ref seconds @ ..] => {
            let nanoseconds = u32::from_be_bytes([a, b, c, d]);
            let seconds = i64::from_be_bytes(seconds.try_into().ok()?);
            (seconds, i32::try_from(nanoseconds).ok()?)
        }
        _ => return None,
    };
    Timestamp::new(seconds, nanoseconds).ok()
}

/// Type of the extension for a timestamp.
const TIMESTAMP: i8 = -1;

/// Maximum nesting of arrays and maps. The link checks the smaller limit of its configuration on the
/// JSON, and reports it as for any other packet.
const MAX_DEPTH: usize = 120;
