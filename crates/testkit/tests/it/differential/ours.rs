//! Reads bytes with the frame reader of Doorward.

use doorward_protocol::{
    Message,
    ws::{CloseCode, FrameError, Incoming, Read, Reader},
};

use super::{Class, End, LIMIT, Outcome, Seen};

/// Reads `pieces` in order. Returns the outcome, the error if there is one, and the offset of the last frame.
pub(super) fn read(pieces: &[&[u8]]) -> (Outcome, Option<FrameError>, usize) {
    let mut reader = Reader::default();
    let mut unread = Vec::new();
    let mut seen = Vec::new();
    let mut at = 0;
    for piece in pieces {
        unread.extend_from_slice(piece);
        loop {
            match reader.read(&mut unread, LIMIT) {
                Ok(Read::Incomplete) => break,
                Ok(Read::Frame { used, item }) => {
                    match item {
                        Some(Incoming::Close) => {
                            return (Outcome { seen, end: End::Closed }, None, at);
                        }
                        item => seen.extend(item.and_then(see)),
                    }
                    unread.drain(..used);
                    at += used;
                }
                Err(error) => return (Outcome { seen, end: refused(error) }, Some(error), at),
            }
        }
    }
    (Outcome { seen, end: End::Incomplete }, None, at)
}

fn see(item: Incoming<'_>) -> Option<Seen> {
    Some(match item {
        Incoming::Message(Message::Text(text)) => Seen::Text(text.to_owned()),
        Incoming::Message(Message::Binary(bytes)) => Seen::Binary(bytes.to_vec()),
        Incoming::Ping(bytes) => Seen::Ping(bytes.to_vec()),
        Incoming::Pong => Seen::Pong,
        Incoming::Close => return None,
    })
}

fn refused(error: FrameError) -> End {
    End::Refused(match error.close_code() {
        CloseCode::TooBig => Class::TooLarge,
        CloseCode::InvalidPayload => Class::Utf8,
        _ => Class::Protocol,
    })
}
