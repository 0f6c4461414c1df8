//! Entry points for fuzzers.
//!
//! Each function accepts any bytes and asserts the invariants of the result. A panic is a bug. A coverage-guided
//! fuzzer can call these functions directly. The tests of this crate call them with a corpus and with generated
//! bytes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use doorward_protocol::{
    Admission, Args, Binary, Link, LinkConfig, Message, RawArguments, Received, SlotId, Timeout,
    Trust, decode_all, decode_event, engine, msgpack,
    packet::{self, Kind, Packet},
    payload::{self, Part},
    polling::{GetAnswer, Polling, PollingConfig, Waiting},
    ws::{Incoming, Read, Reader},
};
use serde_json::Value;

/// Reads `bytes` as WebSocket frames, in one piece and byte by byte. Both must give the same result.
///
/// # Examples
/// ```
/// doorward_testkit::fuzz::frames(b"\x81\x82\0\0\0\0hi");
/// ```
///
/// # Panics
/// If the results differ, which is a bug.
pub fn frames(bytes: &[u8]) {
    let whole = read_frames([bytes]);
    let pieces = read_frames(bytes.chunks(1));
    assert_eq!(whole, pieces, "the reader depends on how bytes arrive");
}

/// Reads `bytes` as an Engine.IO packet with a Socket.IO packet inside. The arguments of an event must stay the
/// same when they are decoded and encoded again.
///
/// # Examples
/// ```
/// doorward_testkit::fuzz::packets(b"42[\"e\"]");
/// ```
///
/// # Panics
/// If a parsed part is not a part of the input, or if the arguments change, which is a bug.
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

/// Translates `bytes` from MessagePack. A packet must stay the same when it is written and read again, and must keep
/// to its limits.
///
/// # Examples
/// ```
/// doorward_testkit::fuzz::msgpack(b"\x82\xa4type\x00\xa3nsp\xa1/");
/// ```
///
/// # Panics
/// If a limit is exceeded, or if the packet changes, which is a bug.
pub fn msgpack(bytes: &[u8]) {
    let (limit, most) = (1000, 3);
    if let Ok((json, attachments)) = msgpack::to_json(bytes, limit, most) {
        assert!(json.len() <= limit && attachments.len() <= most);
        assert!(serde_json::from_str::<Value>(&json).is_ok());
    }
    let Ok(translated) = msgpack::decode(bytes, limit, most) else { return };
    assert!(translated.attachments.len() <= most);
    let packet = translated.packet();
    assert!(packet.data.is_none_or(|data| data.len() <= limit));
    let text = packet.to_string();
    assert_eq!(Packet::parse(&text), Ok(packet));
    let mut message = Vec::new();
    msgpack::encode(&mut message, &packet, &translated.attachments).expect("a packet of a client");
    let again = msgpack::decode(&message, usize::MAX, most).expect("a packet of the encoder");
    let value =
        |packet: Packet<'_>| packet.data.map(serde_json::from_str::<Value>).transpose().ok();
    // A key that occurs twice is written twice, and a number may be written differently.
    assert_eq!(value(again.packet()), value(packet));
    assert_eq!(again.attachments, translated.attachments);
}

/// Decodes the arguments of an event in every way, encodes them again, and compares.
fn arguments(data: &str, count: usize) {
    let attachments = vec![Bytes::from_static(b"attached"); count];
    // An unpaired surrogate and a number beyond every type are valid JSON, but cannot be decoded.
    let Ok(all) = decode_all::<Vec<Value>>(data, &attachments) else { return };
    let read: Value = decode_event(data, &attachments).expect("any JSON is a value");
    match &all[..] {
        [] => assert!(read.is_null()),
        [only] => assert!(read == *only),
        several => assert!(read.as_array().is_some_and(|read| read == several)),
    }
    for bytes in decode_all::<Vec<Binary>>(data, &attachments).into_iter().flatten() {
        assert!(attachments.contains(&bytes.0), "bytes that are no attachment");
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

/// Drives a link with `bytes`. Each line is one message:
///
/// | line | meaning |
/// |---|---|
/// | empty | seven seconds pass |
/// | `b` and bytes | a binary message |
/// | `p`, `r` | the server pauses and resumes reading |
/// | `e` | the server ends the oldest socket |
/// | any other | a text message |
///
/// The `auth` payload of a CONNECT decides the admission. A CONNECT without a payload is admitted as authenticated,
/// and one with `{}` as anonymous. A CONNECT with an array stays undecided. Any other CONNECT is refused.
///
/// The function asserts three invariants. Events and acks come only from admitted sockets. Attachments are
/// accepted only on a link with an authenticated socket. An unauthenticated client gets neither more attempts
/// nor more bytes by leaving and connecting again.
///
/// # Examples
/// ```
/// doorward_testkit::fuzz::link(b"40\n42[\"e\"]");
/// ```
///
/// # Panics
/// If one of the invariants is broken, which is a bug.
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

/// Reads `bytes` as the body of a POST of a client that polls. What is read must be the same when it is written and
/// read again.
///
/// # Examples
/// ```
/// doorward_testkit::fuzz::payload(b"42[\"e\"]\x1ebAQID");
/// ```
///
/// # Panics
/// If the messages change, which is a bug.
pub fn payload(bytes: &[u8]) {
    let Ok(body) = std::str::from_utf8(bytes) else { return };
    let mut stepped = Vec::new();
    let mut rest = Some(body);
    while let Some(text) = rest {
        match payload::first(text) {
            Ok((part, next)) => {
                stepped.push(part);
                rest = next;
            }
            Err(_) => return assert!(payload::messages(body).any(|part| part.is_err())),
        }
    }
    let all: Result<Vec<Part<'_>>, _> = payload::messages(body).collect();
    assert_eq!(all.as_ref(), Ok(&stepped));
    let mut written = Vec::new();
    for part in &stepped {
        match part {
            Part::Text(text) => payload::push_text(&mut written, text.as_bytes()),
            Part::Binary(bytes) => payload::push_binary(&mut written, bytes),
        }
    }
    // An empty message before the first one cannot be told from none.
    let leading = stepped.iter().take_while(|part| **part == Part::Text("")).count();
    let written = String::from_utf8(written).expect("a payload is text");
    let again: Result<Vec<_>, _> = payload::messages(&written).collect();
    let skipped = again.map_or(0, |again| {
        let skipped = stepped.len() - again.len();
        assert!(again == stepped[skipped..] || stepped.len() == leading);
        skipped
    });
    assert!(skipped <= leading);
}

/// Lets the requests of a client that polls come in any order. Each byte is one step:
///
/// | byte | step |
/// |---|---|
/// | `g`, `p` | a GET or a POST comes |
/// | `d` | the packets of the POST are handled |
/// | `x`, `y` | the client cancels its GET or its POST |
/// | `o`, `f`, `5` | a probe comes, fails, or completes |
/// | `w`, `c` | the server writes a packet, or closes the link |
/// | `e` | the link ends |
/// | any other | 60 milliseconds pass |
///
/// The function asserts that each GET is answered once, in time, and that packets leave in the order in which they
/// were written, each once, and by one transport.
///
/// # Examples
/// ```
/// doorward_testkit::fuzz::polling(b"gwgpdog.5");
/// ```
///
/// # Panics
/// If one of the invariants is broken, which is a bug.
pub fn polling(bytes: &[u8]) {
    #[expect(clippy::disallowed_methods, reason = "an instant can be had in no other way")]
    let mut now = Instant::now();
    let mut rules = Polling::new(PollingConfig::default());
    let (mut written, mut sent, mut is_closing) = (0_usize, 0, false);
    let (mut waiting_since, mut is_posting) = (None, false);
    let mut has_upgraded = false;
    for step in bytes {
        match step {
            b'g' if rules.get(now).is_ok() => {
                assert!(waiting_since.replace(now).is_none(), "two GETs wait");
            }
            b'p' if rules.post().is_ok() => {
                assert!(!std::mem::replace(&mut is_posting, true), "two POSTs wait");
            }
            b'd' if std::mem::take(&mut is_posting) => rules.posted(),
            b'x' if waiting_since.take().is_some() => rules.get_cancelled(),
            b'y' if std::mem::take(&mut is_posting) => rules.post_cancelled(),
            b'o' => drop(rules.probe()),
            b'f' => rules.probe_failed(),
            b'5' => has_upgraded |= rules.upgrade(),
            b'w' if !is_closing => written += 1,
            b'c' => is_closing = true,
            b'e' => rules.end(GetAnswer::Refused),
            _ => now += Duration::from_millis(60),
        }
        assert!(!has_upgraded || !rules.is_polling());
        let waiting = if sent < written { Some(Waiting::Packets) } else { None };
        let waiting = waiting.or(is_closing.then_some(Waiting::Close));
        let answer = rules.answer(waiting).or_else(|| rules.answer_in_time(now));
        if let Some(answer) = answer {
            assert!(waiting_since.take().is_some(), "an answer without a GET: {answer:?}");
            if answer == GetAnswer::Packets {
                assert!(!has_upgraded && !rules.has_ended() && sent < written);
                sent = written;
            }
        }
        if has_upgraded && !rules.has_ended() {
            assert!(!rules.is_get_waiting(), "the WebSocket waits for a GET");
            sent = written;
        }
        assert_eq!(rules.is_get_waiting(), waiting_since.is_some());
        assert!(rules.deadline().is_none_or(|deadline| deadline > now), "a GET waits too long");
    }
    rules.end(GetAnswer::Noop);
    assert_eq!(rules.answer(None).is_some(), waiting_since.is_some());
}

/// Asserts the invariants of a received event or ack.
fn heard(link: &Link, config: &LinkConfig, data: &str, attachments: &[Bytes]) {
    assert!(attachments.is_empty() || link.is_known());
    assert!(attachments.len() <= config.max_attachments);
    let size = attachments.iter().map(Bytes::len).sum::<usize>();
    assert!(attachments.is_empty() || size + data.len() <= config.max_message);
}

/// Decides all pending admissions by their `auth` payload.
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

/// Reads bytes that arrive in `pieces`, and returns all frames as text. If the reader fails, its error is the last
/// item.
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

/// Size of the largest message in [`frames`], in bytes. It is small, so that inputs reach the limit often.
const LIMIT: usize = 256;
