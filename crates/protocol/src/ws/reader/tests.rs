//! The rules of RFC 6455, frame by frame. The tests of the crate `doorward-testkit` compare the
//! results with those of tungstenite.

use super::*;
use crate::ws::Opcode;

/// Returns a masked frame as a client sends it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    crate::ws::append(&mut out, Opcode::Text, |out| out.extend_from_slice(payload));
    out[0] = first;
    out[1] |= 0x80;
    let mask = [1, 2, 3, 4];
    let header = out.len() - payload.len();
    out.splice(header..header, mask);
    unmask(&mut out[header + 4..], mask);
    out
}

/// Reads all frames in `bytes` and returns them as text.
fn read_all(bytes: &[u8], limit: usize) -> Result<Vec<String>, FrameError> {
    let mut bytes = bytes.to_vec();
    let mut reader = Reader::default();
    let mut rest = &mut bytes[..];
    let mut seen = Vec::new();
    while let Read::Frame { used, item } = reader.read(rest, limit)? {
        seen.extend(item.map(|item| format!("{item:?}")));
        rest = &mut rest[used..];
    }
    Ok(seen)
}

#[test]
fn a_fragmented_message_is_assembled_around_a_ping() {
    let bytes = [frame(0x01, b"he"), frame(0x89, b"p"), frame(0x00, b"l"), frame(0x80, b"lo")];

    let seen = read_all(&bytes.concat(), 1024).unwrap();

    assert_eq!(seen, ["Ping([112])", "Message(Text(\"hello\"))"]);
}

#[test]
fn the_buffer_of_a_fragmented_message_is_freed() {
    let mut bytes =
        [frame(0x01, &[b'x'; 500]), frame(0x80, &[b'x'; 500]), frame(0x8A, b"")].concat();
    let mut reader = Reader::default();
    let mut rest = &mut bytes[..];
    for _ in 0..2 {
        let Read::Frame { used, .. } = reader.read(rest, 1024).unwrap() else { panic!() };
        rest = &mut rest[used..];
    }
    assert!(reader.parts.is_some());

    assert!(matches!(reader.read(rest, 1024), Ok(Read::Frame { .. })));

    assert!(reader.parts.is_none());
}

#[test]
fn missing_bytes_change_nothing() {
    let whole = frame(0x81, &[b'a'; 300]);

    for cut in 0..whole.len() {
        let mut bytes = whole[..cut].to_vec();
        assert_eq!(Reader::default().read(&mut bytes, 1024), Ok(Read::Incomplete), "{cut}");
        assert_eq!(bytes, whole[..cut], "{cut}");
    }
}

/// Attack 43.
#[test]
fn a_message_over_the_limit_is_refused_before_it_has_arrived() {
    let whole = frame(0x81, &[b'a'; 1025]);
    assert_eq!(Reader::default().read(&mut whole[..8].to_vec(), 1024), Err(FrameError::TooLarge));

    let parts = [frame(0x01, &[b'a'; 1000]), frame(0x80, &[b'a'; 25])].concat();
    assert_eq!(read_all(&parts, 1024), Err(FrameError::TooLarge));

    let huge = *b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff";
    assert_eq!(read_all(&huge, 1024), Err(FrameError::TooLarge));
}

/// Attack 43.
#[test]
fn a_message_in_many_tiny_fragments_is_rejected() {
    let mut bytes = frame(0x01, b"");
    for _ in 0..MAX_PARTS {
        bytes.extend(frame(0x00, b""));
    }

    assert_eq!(read_all(&bytes, 1024), Err(FrameError::TooLarge));
}

#[test]
fn every_rule_of_the_frame_has_its_error() {
    let unmasked = b"\x81\x01a".to_vec();
    for (bytes, error) in [
        (unmasked, FrameError::Unmasked),
        (frame(0xC1, b""), FrameError::Reserved),
        (frame(0x83, b""), FrameError::Opcode),
        (frame(0x09, b""), FrameError::Control),
        (frame(0x89, &[0; 126]), FrameError::Control),
        (frame(0x80, b""), FrameError::Continuation),
        ([frame(0x01, b"a"), frame(0x81, b"b")].concat(), FrameError::Continuation),
        (b"\x81\xfe\x00\x7d".to_vec(), FrameError::Length),
        (b"\x81\xff\0\0\0\0\0\0\xff\xff".to_vec(), FrameError::Length),
        (frame(0x81, b"\xff"), FrameError::Utf8),
        (frame(0x88, b"\x03"), FrameError::Close),
        (frame(0x88, b"\x03\xed"), FrameError::Close),
        (frame(0x88, b"\x03\xe8\xff"), FrameError::Utf8),
    ] {
        assert_eq!(read_all(&bytes, 1024), Err(error), "{bytes:02x?}");
    }
}

/// Returns the header of a masked frame with a length of this many bits.
fn header(marker: u8, length: &[u8]) -> Vec<u8> {
    [&[0x82, 0x80 | marker][..], length, &[0; 4]].concat()
}

/// A longer form could smuggle a frame past a proxy that reads only the short one (section 5.2).
#[test]
fn a_length_must_have_its_shortest_form() {
    let error = |bytes: &[u8]| read_all(bytes, 1 << 31).unwrap_err();

    assert_eq!(error(&header(126, &125_u16.to_be_bytes())), FrameError::Length);
    assert_eq!(read_all(&header(126, &126_u16.to_be_bytes()), 1 << 31), Ok(vec![]));
    assert_eq!(error(&header(127, &65_535_u64.to_be_bytes())), FrameError::Length);
    assert_eq!(read_all(&header(127, &65_536_u64.to_be_bytes()), 1 << 31), Ok(vec![]));
    assert_eq!(read_all(&header(127, &0x7fff_ffff_u64.to_be_bytes()), 1 << 31), Ok(vec![]));
    assert_eq!(error(&header(127, &0x8000_0000_u64.to_be_bytes())), FrameError::TooLarge);
    assert_eq!(error(&header(127, &u64::MAX.to_be_bytes())), FrameError::TooLarge);
}

#[test]
fn a_control_frame_has_125_bytes_at_most_and_one_part() {
    assert_eq!(read_all(&frame(0x89, &[b'x'; 125]), 1024).unwrap().len(), 1);
    assert_eq!(read_all(&frame(0x89, &[b'x'; 126]), 1024), Err(FrameError::Control));
    assert_eq!(read_all(&frame(0x09, b""), 1024), Err(FrameError::Control));
}

#[test]
fn a_message_has_64_parts_at_most() {
    let parts = |count: usize| {
        let mut parts = vec![frame(0x01, b"x")];
        parts.extend((2..count).map(|_| frame(0x00, b"x")));
        parts.push(frame(0x80, b"x"));
        read_all(&parts.concat(), 1024)
    };

    assert_eq!(parts(64).unwrap(), [format!("Message(Text({:?}))", "x".repeat(64))]);
    assert_eq!(parts(65), Err(FrameError::TooLarge));
}

/// Every length up to three words, so that the bytes after the last whole word are covered.
#[test]
fn each_byte_is_unmasked_once() {
    for length in 0..=24 {
        let payload: Vec<u8> = (0..length).map(|at| 0xf0 ^ at).collect();

        let mut masked = payload.clone();
        unmask(&mut masked, [0x11, 0x22, 0x44, 0x88]);

        let mask = [0x11, 0x22, 0x44, 0x88];
        let expected: Vec<u8> =
            payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]).collect();
        assert_eq!(masked, expected, "{length}");
    }
}

#[test]
fn the_beginning_of_a_frame_is_read_before_the_rest_has_arrived() {
    let whole = frame(0x81, &[b'x'; 300]);

    assert_eq!(beginning(&whole[..8], 0).as_deref(), Some(&b""[..]));
    assert_eq!(beginning(&whole[..8], 1), None);
    assert_eq!(beginning(&whole[..12], 4).as_deref(), Some(&b"xxxx"[..]));
    assert_eq!(beginning(&frame(0x81, b"abc"), 9).as_deref(), Some(&b"abc"[..]));
    assert_eq!(beginning(&frame(0x82, b"abc"), 9).as_deref(), Some(&b"abc"[..]));
    assert_eq!(beginning(&frame(0x89, b"abc"), 9).as_deref(), Some(&b""[..]));
    assert_eq!(beginning(&[0xf1, 0x80], 9).as_deref(), Some(&b""[..]));
}
