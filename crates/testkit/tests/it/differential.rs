//! The reader and tungstenite see the same in the same bytes, up to differences that are meant.
//!
//! Every difference that is meant stands in [`DELIBERATE`] with its reason and the only shape in which
//! it is taken as such; any other is a bug in one of the two.

mod ours;
mod sequence;
mod theirs;

use doorward_protocol::ws::FrameError;
use proptest::{collection::vec, prelude::*};
use sequence::{Bytes, broken, damaged, valid};

use crate::pieces::cut;

/// What a reader made of all the bytes that it was shown.
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

/// How it ended.
#[derive(Clone, Debug, PartialEq)]
enum End {
    /// With a close frame in order.
    Closed,
    /// More bytes would be needed.
    Incomplete,
    Refused(Class),
}

/// Whom an error blames, as the close code would say.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Class {
    Protocol,
    TooLarge,
    Utf8,
}

/// Both outcomes for the same bytes, and what is needed to judge them.
#[derive(Debug)]
struct Pair<'a> {
    bytes: &'a [u8],
    ours: Outcome,
    error: Option<FrameError>,
    /// Where the frame begins at which we have stopped.
    at: usize,
    theirs: Outcome,
}

/// A difference that is meant.
struct Difference {
    reason: &'static str,
    explains: fn(&Pair<'_>) -> bool,
}

const DELIBERATE: &[Difference] = &[
    Difference {
        reason: "a length in more bytes than it needs breaks a rule that tungstenite does not check",
        explains: |pair| {
            matches!(pair.error, Some(FrameError::Control | FrameError::Length))
                && pair.frame().get(1).is_some_and(|byte| byte & 0x7F > 125)
                && pair.is_early()
        },
    },
    Difference {
        reason: "tungstenite puts a message together from any number of parts, we from 64",
        explains: |pair| {
            pair.error == Some(FrameError::TooLarge)
                && pair.at >= 64 * SHORTEST_FRAME
                && pair.is_early()
        },
    },
    Difference {
        reason: "we refuse a frame for its header, tungstenite waits for the payload first",
        explains: |pair| {
            let more = theirs::read(&[pair.bytes, &[0; LIMIT + LONGEST_HEADER]]);
            pair.error.is_some()
                && pair.theirs.end == End::Incomplete
                && more.seen == pair.ours.seen
                && matches!(more.end, End::Refused(_))
        },
    },
    Difference {
        reason: "of two faults in one frame, we name that of the header before that of the size",
        explains: |pair| pair.same_place(Class::Protocol, Class::TooLarge),
    },
    Difference {
        reason: "of two faults in a close frame, we name that of the code before that of the text",
        explains: |pair| {
            pair.error == Some(FrameError::Close) && pair.same_place(Class::Protocol, Class::Utf8)
        },
    },
    Difference {
        reason: "1014 was registered after RFC 6455, and tungstenite does not know it",
        explains: |pair| {
            pair.ours.end == End::Closed
                && pair.theirs.end == End::Refused(Class::Protocol)
                && pair.ours.seen == pair.theirs.seen
                && close_code(pair.frame()) == Some(1014)
        },
    },
    Difference {
        reason: "tungstenite checks the text of each part, we that of the whole message",
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

    /// What begins with the frame at which we have stopped.
    fn frame(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// We have stopped where the other has gone on.
    fn is_early(&self) -> bool {
        self.theirs.seen.starts_with(&self.ours.seen)
    }

    fn same_place(&self, ours: Class, theirs: Class) -> bool {
        self.ours.seen == self.theirs.seen
            && self.ours.end == End::Refused(ours)
            && self.theirs.end == End::Refused(theirs)
    }

    /// The reason why they differ, or that they do not.
    fn judge(&self) -> Result<Option<&'static str>, String> {
        if self.ours == self.theirs {
            return Ok(None);
        }
        let found = DELIBERATE.iter().find(|difference| (difference.explains)(self));
        found.map(|difference| Some(difference.reason)).ok_or_else(|| format!("{self:#?}"))
    }
}

/// The code of a close frame with a short payload.
fn close_code(frame: &[u8]) -> Option<u16> {
    let [0x88, _, mask @ .., high, low] = *frame.first_chunk::<8>()? else { return None };
    Some(u16::from_be_bytes([high ^ mask[0], low ^ mask[1]]))
}

fn compare(bytes: &Bytes, cuts: &[u16]) -> Result<(), TestCaseError> {
    let pair = Pair::read(bytes, &cut(bytes, cuts));
    pair.judge().map(drop).map_err(TestCaseError::fail)
}

proptest! {
    #[test]
    fn what_is_in_order_is_read_alike(bytes in valid(), cuts in vec(any::<u16>(), 0..8)) {
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

/// A difference that nothing shows any more must leave the list.
#[test]
fn every_difference_in_the_list_is_one() {
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

/// The largest message, small so that the limit is met often.
const LIMIT: usize = 600;

/// Two bytes and a mask.
const SHORTEST_FRAME: usize = 6;

const LONGEST_HEADER: usize = 14;
