//! Messages arrive unchanged, however a client fragments them and the network splits the bytes.

use doorward_protocol::{
    Message,
    ws::{Incoming, Opcode, Read, Reader},
};
use doorward_testkit::RawClient;
use proptest::{collection::vec, prelude::*};

use crate::pieces::cut;

/// A message and its fragmentation.
#[derive(Clone, Debug)]
struct Sent {
    is_text: bool,
    parts: Vec<Vec<u8>>,
    /// Payloads of the pings after each part but the last.
    pings: Vec<Vec<u8>>,
}

/// A received message or ping.
#[derive(Debug, PartialEq)]
enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
}

impl Sent {
    fn payload(&self) -> Vec<u8> {
        self.parts.concat()
    }

    fn frames(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let last = self.parts.len() - 1;
        for (index, part) in self.parts.iter().enumerate() {
            let opcode = match (index, self.is_text) {
                (0, true) => Opcode::Text,
                (0, false) => Opcode::Binary,
                _ => Opcode::Continuation,
            };
            let mut frame = RawClient::frame(opcode, part);
            if index < last {
                frame[0] &= 0x7F;
            }
            out.extend(frame);
            if let Some(ping) = self.pings.get(index).filter(|_| index < last) {
                out.extend(RawClient::frame(Opcode::Ping, ping));
            }
        }
        out
    }

    fn expected(&self) -> Vec<Seen> {
        let pings = self.pings.iter().take(self.parts.len() - 1).cloned().map(Seen::Ping);
        let payload = self.payload();
        let message = if self.is_text {
            Seen::Text(String::from_utf8(payload).unwrap())
        } else {
            Seen::Binary(payload)
        };
        pings.chain([message]).collect()
    }
}

fn sent() -> impl Strategy<Value = Sent> {
    let text = ".{0,200}".prop_map(|text| (true, text.into_bytes()));
    let short = vec(any::<u8>(), 0..300).prop_map(|bytes| (false, bytes));
    let medium =
        (any::<u8>(), 60_000_usize..70_000).prop_map(|(byte, len)| (false, vec![byte; len]));
    let payload = prop_oneof![8 => text, 8 => short, 1 => medium];
    let pings = vec(vec(any::<u8>(), 0..126), 0..5);
    (payload, vec(any::<u16>(), 0..5), pings).prop_map(|((is_text, bytes), cuts, pings)| Sent {
        is_text,
        parts: cut(&bytes, &cuts).into_iter().map(<[u8]>::to_vec).collect(),
        pings,
    })
}

/// Reads `pieces` as they arrive, and keeps unread bytes as a driver does.
fn read(pieces: &[&[u8]]) -> Vec<Seen> {
    let mut reader = Reader::default();
    let mut unread = Vec::new();
    let mut seen = Vec::new();
    for piece in pieces {
        unread.extend_from_slice(piece);
        while let Read::Frame { used, item } = reader.read(&mut unread, LIMIT).unwrap() {
            seen.extend(item.map(|item| match item {
                Incoming::Message(Message::Text(text)) => Seen::Text(text.to_owned()),
                Incoming::Message(Message::Binary(bytes)) => Seen::Binary(bytes.to_vec()),
                Incoming::Ping(bytes) => Seen::Ping(bytes.to_vec()),
                other => panic!("{other:?} was not sent"),
            }));
            unread.drain(..used);
        }
    }
    assert!(unread.is_empty(), "{} bytes are left over", unread.len());
    seen
}

proptest! {
    #[test]
    fn messages_arrive_however_they_are_split(
        sent in vec(sent(), 1..5),
        cuts in vec(any::<u16>(), 0..12),
    ) {
        let bytes: Vec<u8> = sent.iter().flat_map(Sent::frames).collect();

        let seen = read(&cut(&bytes, &cuts));

        let expected: Vec<Seen> = sent.iter().flat_map(Sent::expected).collect();
        prop_assert_eq!(seen, expected);
    }
}

#[test]
fn every_length_around_a_change_of_the_header_arrives() {
    for length in [0, 1, 125, 126, 127, 65_535, 65_536, 200_000] {
        let bytes = RawClient::frame(Opcode::Binary, &vec![7; length]);

        assert_eq!(read(&[&bytes]), [Seen::Binary(vec![7; length])], "{length}");
    }
}

const LIMIT: usize = 256 * 1024;
