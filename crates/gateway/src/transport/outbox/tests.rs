//! Tests of the packets that an outbox sends, cuts and undoes, and of their order.

use doorward_protocol::{Args, Binary, packet};
use tokio::io::{AsyncReadExt, duplex};

use super::*;

fn frame(text: &str) -> Frame {
    Frame::text(|out| out.extend_from_slice(text.as_bytes()))
}

/// Sends all packets through a pipe that takes `step` bytes at a time. Returns the sent bytes.
async fn flush(outbox: &mut Outbox, step: usize) -> Vec<u8> {
    let expected = outbox.len();
    let (mut io, mut peer) = duplex(step);
    let mut seen = vec![0; expected];
    let flushed = async {
        while !outbox.is_empty() {
            let count = std::future::poll_fn(|cx| outbox.poll_write(&mut io, cx)).await.unwrap();
            outbox.advance(count);
        }
    };
    let ((), read) = tokio::join!(flushed, peer.read_exact(&mut seen));
    assert_eq!(read.unwrap(), expected);
    seen
}

fn frames_of(outbox: &Outbox) -> Vec<(Opcode, Bytes)> {
    outbox.frames().map(|frame| (frame.opcode, frame.payload)).collect()
}

const A: Owner = Owner::FIRST;

fn b() -> Owner {
    A.next()
}

#[tokio::test]
async fn shared_and_own_packets_are_sent_in_the_order_in_which_they_were_queued() {
    for step in 1..32 {
        let mut outbox = Outbox::default();
        outbox.engine(|out| out.extend_from_slice(b"one"));
        outbox.engine(|out| out.extend_from_slice(b"two"));
        outbox.push(A, &frame("three"));
        outbox.push(A, &frame("four"));
        outbox.engine(|out| out.extend_from_slice(b"five"));

        let seen = flush(&mut outbox, step).await;

        let expected = b"\x81\x03one\x81\x03two\x81\x05three\x81\x04four\x81\x04five";
        assert_eq!(seen, expected, "step {step}");
        assert!(outbox.is_empty());
    }
}

/// No packet for the socket is left after a cut, no matter how many bytes were sent before.
#[tokio::test]
async fn packets_of_one_socket_are_dropped_and_no_others() {
    for format in [PacketFormat::Text, PacketFormat::MessagePack] {
        let event = |text: &str| {
            let text = text.repeat(90);
            Frame::packet(format, |out| packet::write_event(out, "/a", None, "e", &text)).unwrap()
        };
        let whole = event("a").len();
        for sent in 0..=3 * whole {
            let mut outbox = Outbox { format, ..Outbox::default() };
            outbox.push(A, &event("a"));
            outbox
                .packet(Some(b()), |out| packet::write_event(out, "/a", None, "e", &"b".repeat(90)))
                .unwrap();
            outbox.push(A, &event("s"));
            outbox.engine(|out| out.push(b'2'));
            let mut expected = event("b").websocket().to_vec();
            expected.drain(..sent.saturating_sub(whole).min(whole));
            expected.extend_from_slice(b"\x81\x012");
            outbox.advance(sent);

            let mut is_clean = outbox.cut(|owner| owner != A);
            // The second cut checks that the rest still begins with a packet.
            is_clean &= outbox.cut(|owner| owner != A);

            let is_cut = (0 < sent && sent < whole) || (2 * whole < sent && sent < 3 * whole);
            assert_eq!(is_clean, !is_cut, "{format:?} sent {sent}");
            assert_eq!(flush(&mut outbox, 100).await, expected, "{format:?} sent {sent}");
        }
    }
}

/// Clients close the connection on an attachment without its packet, and on a packet without its
/// attachments.
#[tokio::test]
async fn a_packet_and_its_attachments_are_dropped_together() {
    let two = Args((Binary(vec![7; 300].into()), Binary(b"x".as_slice().into())));
    let write = |out: &mut Vec<u8>| packet::write_event(out, "/", None, "e", &two);
    let whole = Frame::packet(PacketFormat::Text, write).unwrap().len();
    for is_shared in [false, true] {
        for sent in 0..=whole {
            let mut outbox = Outbox::default();
            if is_shared {
                outbox.push(A, &Frame::packet(PacketFormat::Text, write).unwrap());
            } else {
                outbox.packet(Some(A), write).unwrap();
            }
            outbox.engine(|out| out.push(b'2'));
            outbox.advance(sent);

            let is_clean = outbox.cut(|_| false);

            assert_eq!(is_clean, sent == 0 || sent == whole, "sent {sent}");
            assert_eq!(flush(&mut outbox, 100).await, b"\x81\x012", "sent {sent}");
        }
    }
}

#[test]
fn withheld_packets_are_sent_after_those_that_were_queued_meanwhile() {
    let mut outbox = Outbox::default();
    outbox.engine(|out| out.extend_from_slice(b"first"));
    let position = outbox.position();
    outbox.packet(Some(b()), |out| packet::write_ack(out, "/", 1, &"answer")).unwrap();
    let answer = outbox.withhold(position);
    outbox.push(A, &frame("emitted"));
    outbox.resume(&answer);

    let frames: Vec<_> = outbox.frames().map(|waiting| waiting.payload).collect();
    assert_eq!(frames, ["first", "emitted", r#"431["answer"]"#]);
    assert!(outbox.cut(|owner| owner == b()));
    let frames: Vec<_> = outbox.frames().map(|waiting| waiting.payload).collect();
    assert_eq!(frames, ["first", r#"431["answer"]"#]);
}

#[test]
fn packets_that_are_undone_or_fail_leave_nothing_behind() {
    let mut outbox = Outbox::default();
    outbox.engine(|out| out.push(b'1'));
    let position = outbox.position();
    outbox.packet(Some(A), |out| packet::write_ack(out, "/", 1, &"answer")).unwrap();

    outbox.truncate(position);
    let failed = outbox.packet(Some(A), |out| packet::write_ack(out, "/", 1, &Args(1)));

    assert!(failed.is_err());
    assert_eq!(frames_of(&outbox), [(Opcode::Text, Bytes::from_static(b"1"))]);
}

/// A wire that is no WebSocket reads each payload without its frame, at any length.
#[test]
fn each_frame_is_found_with_its_payload() {
    for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
        let mut outbox = Outbox::default();
        outbox.engine(|out| out.resize(out.len() + length, b'x'));
        outbox.pong(b"?");
        let picture = Binary(vec![7; length].into());
        outbox.packet(None, |out| packet::write_ack(out, "/", 1, &picture)).unwrap();
        outbox.close(CloseCode::Normal, "");

        let frames = frames_of(&outbox);

        assert_eq!(frames[0], (Opcode::Text, vec![b'x'; length].into()));
        assert_eq!(frames[1], (Opcode::Pong, Bytes::from_static(b"?")));
        assert_eq!(frames[2].0, Opcode::Text);
        assert_eq!(frames[3], (Opcode::Binary, vec![7; length].into()));
        assert_eq!(frames[4], (Opcode::Close, Bytes::from_static(b"\x03\xe8")));
    }
}

/// A wire that sends whole frames gets each frame once.
#[test]
fn frames_that_were_sent_are_removed() {
    for is_shared in [false, true] {
        let mut outbox = Outbox::default();
        for text in ["one", "two", "three", "four"] {
            if is_shared {
                outbox.push(A, &frame(text));
            } else {
                outbox.engine(|out| out.extend_from_slice(text.as_bytes()));
            }
        }
        let mut seen = Vec::new();
        for count in [1, 2, 0, 1] {
            seen.extend(outbox.frames().take(count).map(|frame| frame.payload));
            outbox.advance_frames(count);
        }

        assert_eq!(seen, ["one", "two", "three", "four"]);
        assert!(outbox.is_empty());
    }
}

/// A client that reads as fast as the server writes, but never catches up.
#[test]
fn bytes_that_were_sent_are_freed_although_the_outbox_is_never_empty() {
    let mut outbox = Outbox::default();
    outbox.engine(|out| out.extend_from_slice(&[b'x'; 100]));
    for _ in 0..100_000 {
        outbox.engine(|out| out.extend_from_slice(&[b'x'; 100]));
        outbox.advance(102);
    }

    assert_eq!((outbox.len(), outbox.frames().count()), (102, 1));
    assert!(outbox.tail.capacity() < 4 * FREED_FROM, "{}", outbox.tail.capacity());
    assert!(outbox.marks.capacity() < 4 * FREED_FROM, "{}", outbox.marks.capacity());
}

/// What is freed and what is cut must not depend on where the bytes stopped.
#[test]
fn packets_are_cut_at_the_same_place_after_sent_bytes_were_freed() {
    let text = "x".repeat(997);
    // 1001 bytes are the whole text frame, without its attachment.
    for stop in [0, 1, 500, 1000, 1001, 1005] {
        let mut outbox = Outbox::default();
        for _ in 0..200 {
            outbox
                .packet(Some(A), |out| {
                    out.extend_from_slice(text.as_bytes());
                    Ok(vec![Bytes::from_static(b"attached")])
                })
                .unwrap();
            outbox
                .packet(Some(b()), |out| {
                    Ok({
                        out.extend_from_slice(b"b");
                        Vec::new()
                    })
                })
                .unwrap();
        }
        let unit = outbox.len() / 200;
        outbox.advance(150 * unit + stop);
        let before = outbox.len();

        let is_clean = outbox.cut(|owner| owner == b());

        assert_eq!(is_clean, stop == 0, "{stop}");
        assert!(outbox.len() < before, "{stop}");
        let frames = frames_of(&outbox);
        assert_eq!(frames.len(), 50, "{stop}");
        assert!(frames.iter().all(|(opcode, text)| *opcode == Opcode::Text && &text[..] == b"b"));
    }
}

/// Queues a packet of `length` bytes on a new outbox, and sends it. Returns the address and the
/// capacity of the buffer that held it.
fn send_once(length: usize) -> (*const u8, usize) {
    let mut outbox = PooledOutbox::new(PacketFormat::Text);
    outbox.engine(|out| out.resize(out.len() + length, b'x'));
    outbox.push(A, &frame("shared"));
    let memory = (outbox.tail.as_ptr(), outbox.tail.capacity());
    let all = outbox.len();
    outbox.advance(all - 1);
    outbox.release();
    assert_eq!(outbox.len(), 1, "the outbox stays while a byte waits");
    outbox.advance(1);
    outbox.release();
    let capacities = (outbox.tail.capacity(), outbox.queue.capacity(), outbox.marks.capacity());
    assert_eq!(capacities, (0, 0, 0), "an empty outbox holds no memory");
    memory
}

#[test]
fn the_next_link_of_a_thread_reuses_the_memory_of_an_outbox() {
    let first = send_once(1000);
    assert_eq!(send_once(1000), first);

    let (_, large) = send_once(100_000);
    assert!(large >= 100_000);
    assert!(send_once(10).1 < 1000, "a large buffer is freed");
}

#[test]
fn a_reused_outbox_holds_no_packet_of_the_link_before() {
    let mut first = PooledOutbox::new(PacketFormat::Text);
    first.push(A, &frame("of the first link"));
    let all = first.len();
    first.advance(all);
    first.release();

    let mut second = PooledOutbox::new(PacketFormat::Text);
    second.push(b(), &frame("two"));
    assert_eq!(frames_of(&second), [(Opcode::Text, "two".into())]);
    assert!(second.cut(|owner| owner == b()));
    assert_eq!(second.len(), frame("two").len());
}
