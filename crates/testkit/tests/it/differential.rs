//! Compares the frame reader of Doorward with tungstenite: both must read the same bytes alike, except for
//! deliberate differences.
//!
//! [`DELIBERATE`] lists each deliberate difference with its reason and the exact conditions. Any other
//! difference is a bug in one of the two.

mod ours;
mod sequence;
mod theirs;

use doorward_protocol::ws::FrameError;
use proptest::{collection::vec, prelude::*};
use sequence::{Bytes, broken, damaged, valid};

use crate::pieces::cut;

/// Result of a reader for all bytes of an input.
#[derive(Clone, Debug, PartialEq)]
struct Outcome {
    seen: Vec<Seen>,
    end: End,
}

#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong,
}

/// End of an outcome.
#[derive(Clone, Debug, PartialEq)]
enum End {
    /// The input ends with a valid close frame.
    Closed,
    /// The reader waits for more bytes.
    Incomplete,
    Refused(Class),
}

/// Kind of an error, by its close code.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Class {
    Protocol,
    TooLarge,
    Utf8,
}

/// Outcomes of both readers for the same bytes.
#[derive(Debug)]
struct Pair<'a> {
    bytes: &'a [u8],
    ours: Outcome,
    error: Option<FrameError>,
    /// Offset of the frame at which Doorward's reader has stopped.
    at: usize,
    theirs: Outcome,
}

/// A deliberate difference.
struct Difference {
    reason: &'static str,
    explains: fn(&Pair<'_>) -> bool,
}

const DELIBERATE: &[Difference] = &[
    Difference {
        reason: "a length must be minimally encoded (RFC 6455, 5.2), which tungstenite does not check",
        explains: |pair| {
            matches!(pair.error, Some(FrameError::Control | FrameError::Length))
                && pair.frame().get(1).is_some_and(|byte| byte & 0x7F > 125)
                && pair.is_early()
        },
    },
    Difference {
        reason: "tungstenite accepts a message of any number of parts, we accept 64",
        explains: |pair| {
            pair.error == Some(FrameError::TooLarge)
                && pair.at >= 64 * SHORTEST_FRAME
                && pair.is_early()
        },
    },
    Difference {
        reason: "we reject a frame by its header, tungstenite waits for the payload first",
        explains: |pair| {
            let more = theirs::read(&[pair.bytes, &[0; LIMIT + LONGEST_HEADER]]);
            pair.error.is_some()
                && pair.theirs.end == End::Incomplete
                && more.seen == pair.ours.seen
                && matches!(more.end, End::Refused(_))
        },
    },
    Difference {
        reason: "of two faults in one frame, we report the header before the size",
        explains: |pair| pair.same_place(Class::Protocol, Class::TooLarge),
    },
    Difference {
        reason: "of two faults in a close frame, we report the code before the text",
        explains: |pair| {
            pair.error == Some(FrameError::Close) && pair.same_place(Class::Protocol, Class::Utf8)
        },
    },
    Difference {
        reason: "close code 1014 was registered after RFC 6455, and tungstenite rejects it",
        explains: |pair| {
            pair.ours.end == End::Closed
                && pair.theirs.end == End::Refused(Class::Protocol)
                && pair.ours.seen == pair.theirs.seen
                && close_code(pair.frame()) == Some(1014)
        },
    },
    Difference {
        reason: "tungstenite checks the UTF-8 of each part, we check that of the whole message",
        explains: |pair| {
            let since = pair.ours.seen.get(pair.theirs.seen.len()..);
            pair.theirs.end == End::Refused(Class::Utf8)
                && pair.ours.seen.starts_with(&pair.theirs.seen)
                && since.is_some_and(|seen| {
                    seen.iter().all(|item| matches!(item, Seen::Ping(_) | Seen::Pong))
                })
        },
    },
];

impl<'a> Pair<'a> {
    fn read(bytes: &'a [u8], pieces: &[&[u8]]) -> Self {
        let (ours, error, at) = ours::read(pieces);
        Self { bytes, ours, error, at, theirs: theirs::read(pieces) }
    }

    /// Returns the bytes from the frame at which Doorward's reader has stopped.
    fn frame(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// Returns `true` if Doorward's reader has stopped before tungstenite, and both agree until then.
    fn is_early(&self) -> bool {
        self.theirs.seen.starts_with(&self.ours.seen)
    }

    fn same_place(&self, ours: Class, theirs: Class) -> bool {
        self.ours.seen == self.theirs.seen
            && self.ours.end == End::Refused(ours)
            && self.theirs.end == End::Refused(theirs)
    }

    /// Returns `None` if the outcomes are equal, and the reason of a deliberate difference. Any other difference
    /// is an error.
    fn judge(&self) -> Result<Option<&'static str>, String> {
        if self.ours == self.theirs {
            return Ok(None);
        }
        let found = DELIBERATE.iter().find(|difference| (difference.explains)(self));
        found.map(|difference| Some(difference.reason)).ok_or_else(|| format!("{self:#?}"))
    }
}

/// Returns the code of a close frame with a short payload.
fn close_code(frame: &[u8]) -> Option<u16> {
    // First byte, length, four bytes of mask, two bytes of code.
    let [0x88, _, mask @ .., high, low] = *frame.first_chunk::<8>()? else { return None };
    Some(u16::from_be_bytes([high ^ mask[0], low ^ mask[1]]))
}

fn compare(bytes: &Bytes, cuts: &[u16]) -> Result<(), TestCaseError> {
    let pair = Pair::read(bytes, &cut(bytes, cuts));
    pair.judge().map(drop).map_err(TestCaseError::fail)
}

proptest! {
    #[test]
    fn valid_bytes_are_read_alike(bytes in valid(), cuts in vec(any::<u16>(), 0..8)) {
        let pair = Pair::read(&bytes, &cut(&bytes, &cuts));

        prop_assert_eq!(pair.ours, pair.theirs);
    }

    #[test]
    fn a_broken_rule_is_found_at_the_same_place(
        bytes in broken(),
        cuts in vec(any::<u16>(), 0..8),
    ) {
        compare(&bytes, &cuts)?;
    }

    #[test]
    fn damaged_bytes_are_read_alike(bytes in damaged(), cuts in vec(any::<u16>(), 0..8)) {
        compare(&bytes, &cuts)?;
    }
}

/// A difference that no longer exists must be removed from the list.
#[test]
fn every_listed_difference_exists() {
    let close = |code: u16, reason: &[u8]| [&code.to_be_bytes()[..], reason].concat();
    let parts = std::iter::repeat_n(sequence::frame(0x00, b""), 64).flatten();
    let examples: [Bytes; 7] = [
        [&b"\x81\xfe\x00\x01\0\0\0\0x"[..], &sequence::frame(0x89, b"")].concat(),
        sequence::frame(0x01, b"").into_iter().chain(parts).collect(),
        sequence::frame(0x83, b"never comes")[..4].to_vec(),
        sequence::frame(0xC1, &[b'x'; LIMIT + 1]),
        sequence::frame(0x88, &close(1005, b"\xff")),
        sequence::frame(0x88, &close(1014, b"")),
        [sequence::frame(0x01, b"\xff"), sequence::frame(0x89, b"")].concat(),
    ];

    for (bytes, difference) in examples.iter().zip(DELIBERATE) {
        let judged = Pair::read(bytes, &[bytes]).judge();

        assert_eq!(judged, Ok(Some(difference.reason)));
    }
    assert_eq!(examples.len(), DELIBERATE.len());
}

/// Largest message. It is small, so that inputs reach the limit often.
const LIMIT: usize = 600;

/// Length of a frame without payload: two bytes and a mask.
const SHORTEST_FRAME: usize = 6;

const LONGEST_HEADER: usize = 14;
