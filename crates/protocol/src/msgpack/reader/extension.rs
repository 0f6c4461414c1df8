//! Reads the extensions that clients send: dates, `undefined`, and the bytes of browsers.

use jiff::Timestamp;
use rmp::Marker;

use super::{MsgpackError, Reader};

impl Reader<'_> {
    /// Reads an extension of `notepack.io`, which `socket.io-msgpack-parser` uses, or a timestamp of
    /// the specification. Returns `false` for `undefined`.
    pub(super) fn extension(&mut self, marker: Marker) -> Result<bool, MsgpackError> {
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
