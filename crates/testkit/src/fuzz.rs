//! Functions that any bytes can be thrown at.
//!
//! Each takes whatever it is given, must not panic, and checks what must be true of the result. A
//! coverage-guided fuzzer can call them as they are; the tests of this crate run them over a corpus
//! and over bytes that were made up.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use doorward_protocol::{
    Admission, Args, Binary, Link, LinkConfig, Message, RawArguments, Received, SlotId, Timeout,
    Trust, decode_all, decode_event, engine,
    packet::{self, Kind, Packet},
    ws::{Incoming, Read, Reader},
};
use serde_json::Value;

/// Reads `bytes` as frames, in one piece and byte by byte: both must see the same.
///
/// # Examples
/// ```
/// doorward_testkit::fuzz::frames(b"\x81\x82\0\0\0\0hi");
/// ```
///
/// # Panics
/// When they do not, which is a bug.
pub fn frames(bytes: &[u8]) {
    let whole = read_frames([bytes]);
    let pieces = read_frames(bytes.chunks(1));
    assert_eq!(whole, pieces, "the reader depends on how bytes arrive");
}

/// Reads `bytes` as an Engine.IO packet and what is in it. The arguments of an event survive being
/// passed on as they came.
///
/// # Examples
/// ```
/// doorward_testkit::fuzz::packets(b"42[\"e\"]");
/// ```
///
/// # Panics
/// When a part that was read is not a part of what was given, or arguments change on their way, which
/// is a bug.
pub fn packets(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(engine::Packet::Message(text)) = engine::Packet::decode(text) else { return };
    let Ok(packet) = Packet::decode(text, 64) else { return };
    assert!(packet.namespace == "/" || text.contains(packet.namespace));
    let is_binary = matches!(packet.kind, Kind::BinaryEvent | Kind::BinaryAck);
    assert!(packet.attachments == 0 || is_binary);
    if let Ok(name) = packet.event(8, 64) {
        assert!(name.len() <= 64);
        arguments(packet.data.unwrap_or_default(), packet.attachments.min(3));
    }
    let is_array = packet.data.is_some_and(|data| data.trim_start().starts_with('['));
    assert!(packet.check_ack(8).is_err() || is_array);
    assert!(packet.check_connect(64).is_ok() || text.len() > 64);
}

/// Reads the array of an event in every way, and writes its arguments again.
fn arguments(data: &str, count: usize) {
    let attachments = vec![Bytes::from_static(b"attached"); count];
    // Half a surrogate and a number that no type holds are JSON, and yet nothing can be made of them.
    let Ok(all) = decode_all::<Vec<Value>>(data, &attachments) else { return };
    let read: Value = decode_event(data, &attachments).expect("any JSON is a value");
    match &all[..] {
        [] => assert!(read.is_null()),
        [only] => assert!(read == *only),
        several => assert!(read.as_array().is_some_and(|read| read == several)),
    }
    for bytes in decode_all::<Vec<Binary>>(data, &attachments).into_iter().flatten() {
        assert!(attachments.contains(&bytes.0), "bytes that nobody has attached");
    }

    let raw = RawArguments::from_event(data, attachments);
    assert!(raw.decode_all::<Vec<Value>>().is_ok_and(|again| again == all));
    let mut relayed = Vec::new();
    if let Ok(sent) = packet::write_ack(&mut relayed, "/", 1, &raw) {
        assert_eq!(sent, raw.attachments());
        assert!(relayed.ends_with(b"]"));
    }
    let mut rewritten = Vec::new();
    let sent = packet::write_ack(&mut rewritten, "/", 1, &Args(&all)).expect("a value is JSON");
    assert!(sent.is_empty(), "there are no bytes in a value");
}

/// Drives a link with `bytes`: each line is a message, and an empty line lets time pass. A line that
/// begins with `b` is a binary message of what follows, `p` and `r` stop and go on reading, and `e`
/// lets the server end the first socket. A CONNECT without an `auth` payload is admitted, one with
/// `{}` let in unasked, one with an array keeps being decided, any other is refused.
///
/// Nobody is heard who was not admitted, no bytes are heard of a link on which nobody is known, and a
/// stranger gets neither more attempts nor more bytes by leaving and coming back.
///
/// # Examples
/// ```
/// doorward_testkit::fuzz::link(b"40\n42[\"e\"]");
/// ```
///
/// # Panics
/// When one of these is not so, which is a bug.
pub fn link(bytes: &[u8]) {
    #[expect(clippy::disallowed_methods, reason = "an instant can be had in no other way")]
    let mut now = Instant::now();
    let config = Arc::new(LinkConfig::default());
    let mut link = Link::open(Arc::clone(&config), now);
    let mut admitted = Vec::new();
    let mut attempts = 0;
    let mut unknown_bytes = 0;
    for line in bytes.split(|&byte| byte == b'\n') {
        let message = match line {
            b"" => {
                now += Duration::from_secs(7);
                while let Some(timeout) = link.handle_timeout(now) {
                    if timeout != Timeout::Ping {
                        return;
                    }
                }
                assert!(link.deadline().is_none_or(|deadline| deadline > now));
                continue;
            }
            b"p" => {
                link.pause(now);
                continue;
            }
            b"r" => {
                link.resume(now);
                continue;
            }
            b"e" => {
                if !admitted.is_empty() {
                    link.ended(admitted.remove(0), now);
                }
                continue;
            }
            [b'b', bytes @ ..] => Message::Binary(bytes),
            text => match std::str::from_utf8(text) {
                Ok(text) => Message::Text(text),
                Err(_) => return,
            },
        };
        if link.count(line.len()).is_err() {
            return;
        }
        unknown_bytes = if link.is_known() { 0 } else { unknown_bytes + line.len() };
        assert!(unknown_bytes <= config.max_unauthenticated);
        match link.receive(message, now) {
            Ok(Received::Event(event)) => {
                assert!(admitted.contains(&event.slot));
                heard(&link, &config, &event.data, &event.attachments);
            }
            Ok(Received::Ack(ack)) => {
                assert!(admitted.contains(&ack.slot));
                heard(&link, &config, &ack.data, &ack.attachments);
            }
            Ok(Received::Left(slot)) => {
                admitted.retain(|other| *other != slot);
                link.left(slot, now);
            }
            Ok(Received::Closed) | Err(_) => return,
            Ok(_) => {}
        }
        admit(&mut link, &config, &mut admitted, &mut attempts);
        if link.is_refused() {
            return;
        }
    }
}

/// Checks what must be true of a packet that is given out.
fn heard(link: &Link, config: &LinkConfig, data: &str, attachments: &[Bytes]) {
    assert!(attachments.is_empty() || link.is_known());
    assert!(attachments.len() <= config.max_attachments);
    let size = attachments.iter().map(Bytes::len).sum::<usize>();
    assert!(attachments.is_empty() || size + data.len() <= config.max_message);
}

/// Decides every admission that is due.
fn admit(link: &mut Link, config: &LinkConfig, admitted: &mut Vec<SlotId>, attempts: &mut usize) {
    while let Some(admission) = link.poll_admission() {
        match admission {
            Admission::Exhausted { slot } => link.refused(slot),
            Admission::Start { slot, auth } => match auth.as_deref() {
                None | Some("{}") => {
                    let trust = if auth.is_none() { Trust::Known } else { Trust::Anonymous };
                    link.admitted(slot, trust);
                    admitted.push(slot);
                }
                Some(auth) => {
                    *attempts += 1;
                    assert!(*attempts <= config.max_refusals);
                    if !auth.starts_with('[') {
                        link.refused(slot);
                    }
                }
            },
        }
    }
}

/// Everything the reader says about bytes that arrive in `pieces`, ending in its error if any.
fn read_frames<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let mut reader = Reader::default();
    let mut unread = Vec::new();
    let mut seen = Vec::new();
    for piece in pieces {
        unread.extend_from_slice(piece);
        loop {
            match reader.read(&mut unread, LIMIT) {
                Ok(Read::Incomplete) => break,
                Ok(Read::Frame { used, item }) => {
                    if let Some(Incoming::Message(message)) = item {
                        assert!(message.len() <= LIMIT);
                    }
                    seen.extend(item.map(|item| format!("{item:?}")));
                    unread.drain(..used);
                }
                Err(error) => {
                    seen.push(error.to_string());
                    return seen;
                }
            }
        }
    }
    seen
}

/// The largest message the frame target lets through, small so that limits are met often.
const LIMIT: usize = 256;
