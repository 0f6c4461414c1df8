//! Finds the packets in what was written for a client and not sent yet.
//!
//! What waits for a client is bytes, because that is what leaves in one write. When a socket may not be sent
//! anything any more, its packets are looked for in there; that is rare, and costs nothing until then.

use super::Opcode;
use crate::packet;

/// Finds the units in bytes that [`append`](super::append) and [`append_packet`](super::append_packet)
/// have written: a frame, or a packet with all of its attachments.
///
/// # Examples
/// ```
/// use doorward_protocol::{packet, ws};
///
/// let mut bytes = Vec::new();
/// ws::append_packet(&mut bytes, |out| packet::write_event(out, "/a", None, "news", &1))?;
/// ws::append(&mut bytes, ws::Opcode::Text, |out| out.extend_from_slice(b"2"));
/// let units: Vec<_> = ws::written(&bytes).map(|unit| (unit.bytes.len(), unit.namespace)).collect();
/// assert_eq!(units, [(17, Some("/a")), (3, None)]);
/// # Ok::<_, serde_json::Error>(())
/// ```
pub fn written(bytes: &[u8]) -> impl Iterator<Item = Unit<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (opcode, payload, mut end) = frame(rest)?;
        let text = match opcode {
            Opcode::Text => std::str::from_utf8(payload).unwrap_or_default(),
            _ => "",
        };
        let namespace = packet::addressee(text);
        if opcode == Opcode::Text {
            while let Some((Opcode::Binary, _, length)) = rest.get(end..).and_then(frame) {
                end += length;
            }
        }
        let (unit, behind) = rest.split_at(end);
        rest = behind;
        Some(Unit { bytes: unit, namespace, text })
    })
}

/// What is sent as a whole or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit<'a> {
    /// Its frames.
    pub bytes: &'a [u8],
    /// For whom its event or answer is; `None` when it is neither.
    pub namespace: Option<&'a str>,
    text: &'a str,
}

impl Unit<'_> {
    /// Whether it is an event of this name.
    ///
    /// # Examples
    /// ```
    /// use doorward_protocol::{packet, ws};
    ///
    /// let mut bytes = Vec::new();
    /// ws::append_packet(&mut bytes, |out| packet::write_event(out, "/a", None, "news", &1))?;
    /// let unit = ws::written(&bytes).next().expect("there is one");
    /// assert!(unit.is_event("news") && !unit.is_event("new"));
    /// # Ok::<_, serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn is_event(&self, name: &str) -> bool {
        let behind = match self.namespace {
            None => return false,
            Some("/") => self.text,
            Some(_) => self.text.split_once(',').map_or("", |(_, rest)| rest),
        };
        let data = behind.find("[\"").and_then(|start| behind.get(start + 2..));
        let rest = data.and_then(|data| data.strip_prefix(name));
        rest.is_some_and(|rest| rest.starts_with('"'))
    }
}

/// Reads one unmasked frame: what it is, its payload, and its length with the header.
fn frame(bytes: &[u8]) -> Option<(Opcode, &[u8], usize)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let (length, header) = match second {
        126 => (usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
        127 => (usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?, 10),
        short => (usize::from(short), 2),
    };
    let end = length.checked_add(header)?;
    Some((Opcode::from_bits(first & 0x0F)?, bytes.get(header..end)?, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Args, Binary,
        ws::{CloseCode, append, append_close, append_packet, append_pong},
    };

    #[test]
    fn every_packet_is_found_with_its_attachments() {
        let mut bytes = Vec::new();
        let long = "x".repeat(70_000);
        let picture = || Binary(vec![7; 300].into());
        append(&mut bytes, Opcode::Text, |out| packet::write_connect(out, "/a", "id"));
        append_pong(&mut bytes, b"?");
        append_packet(&mut bytes, |out| packet::write_event(out, "/", None, "e", &long)).unwrap();
        let two = Args((picture(), picture()));
        append_packet(&mut bytes, |out| packet::write_event(out, "/a", Some(7), "e", &two))
            .unwrap();
        append_packet(&mut bytes, |out| packet::write_ack(out, "/b", 8, &1)).unwrap();
        append_packet(&mut bytes, |out| packet::write_ack(out, "/a", 8, &picture())).unwrap();
        append(&mut bytes, Opcode::Text, |out| packet::write_disconnect(out, "/a"));
        append_close(&mut bytes, CloseCode::Normal, "");

        let units: Vec<_> = written(&bytes).collect();

        let namespaces: Vec<_> = units.iter().map(|unit| unit.namespace).collect();
        let (a, b) = (Some("/a"), Some("/b"));
        assert_eq!(namespaces, [None, None, Some("/"), a, b, a, None, None]);
        assert_eq!(units.iter().map(|unit| unit.bytes.len()).sum::<usize>(), bytes.len());
    }

    #[test]
    fn what_is_no_frame_is_the_end() {
        for bytes in [&b""[..], b"\x81", b"\x81\x05hi", b"\x81\x7e\x01", b"\x83\x00"] {
            assert_eq!(written(bytes).count(), 0);
        }
    }
}
