//! Functions that any bytes can be thrown at.
//!
//! Each takes whatever it is given, must not panic, and checks what must be true of the result. A
//! coverage-guided fuzzer can call them as they are; the tests of this crate run them over a corpus
//! and over bytes that were made up.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use doorward_protocol::{
    Admission, Link, LinkConfig, Message, Received, Timeout, Trust, engine,
    packet::Packet,
    ws::{Incoming, Read, Reader},
};

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

/// Reads `bytes` as an Engine.IO packet and what is in it.
///
/// # Examples
/// ```
/// doorward_testkit::fuzz::packets(b"42[\"e\"]");
/// ```
///
/// # Panics
/// When a part that was read is not a part of what was given, which is a bug.
pub fn packets(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(engine::Packet::Message(text)) = engine::Packet::decode(text) else { return };
    let Ok(packet) = Packet::decode(text, 64) else { return };
    assert!(packet.namespace == "/" || text.contains(packet.namespace));
    if let Ok(name) = packet.event(8, 64) {
        assert!((1..=64).contains(&name.len()));
    }
    let is_array = packet.data.is_some_and(|data| data.trim_start().starts_with('['));
    assert!(packet.check_ack(8).is_err() || is_array);
    assert!(packet.check_connect(64).is_ok() || text.len() > 64);
}

/// Drives a link with `bytes`: each line is a message, and an empty line lets time pass. A CONNECT
/// without an `auth` payload is admitted, one with `{}` let in unasked, one with an array keeps being
/// decided, any other is refused. Nobody is heard who was not admitted, and a stranger gets neither
/// more attempts nor more bytes by leaving and coming back.
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
        if line.is_empty() {
            now += Duration::from_secs(7);
            while let Some(timeout) = link.handle_timeout(now) {
                if timeout != Timeout::Ping {
                    return;
                }
            }
            continue;
        }
        let Ok(text) = std::str::from_utf8(line) else { return };
        if link.count(line.len()).is_err() {
            return;
        }
        unknown_bytes = if link.is_known() { 0 } else { unknown_bytes + line.len() };
        assert!(unknown_bytes <= config.max_unauthenticated);
        match link.receive(Message::Text(text), now) {
            Ok(Received::Event(event)) => assert!(admitted.contains(&event.slot)),
            Ok(Received::Ack(ack)) => assert!(admitted.contains(&ack.slot)),
            Ok(Received::Left(slot)) => {
                admitted.retain(|other| *other != slot);
                link.left(slot, now);
            }
            Ok(Received::Closed) | Err(_) => return,
            Ok(_) => {}
        }
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
                        attempts += 1;
                        assert!(attempts <= config.max_refusals);
                        if !auth.starts_with('[') {
                            link.refused(slot);
                        }
                    }
                },
            }
        }
        if link.is_refused() {
            return;
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
