//! tungstenite, as a client, reads the frames that Doorward writes.

use std::io::Cursor;

use doorward_protocol::{
    Args, Binary, Frame, PacketFormat, append_packet, packet,
    ws::{CloseCode, Opcode, append, append_close, append_pong},
};
use tungstenite::{
    Message, WebSocket,
    protocol::{CloseFrame, Role, frame::coding},
};

/// Creates a client that reads `bytes`.
fn client(bytes: Vec<u8>) -> WebSocket<Cursor<Vec<u8>>> {
    // The client writes its answers into the same buffer, after its position. They must not be read as input, so
    // only the last frame of `bytes` may require an answer.
    WebSocket::from_raw_socket(Cursor::new(bytes), Role::Client, None)
}

#[test]
fn every_length_around_a_change_of_the_header_is_read() {
    let mut bytes = Vec::new();
    for length in LENGTHS {
        append(&mut bytes, Opcode::Binary, |out| out.resize(out.len() + length, 7));
        append(&mut bytes, Opcode::Text, |out| out.resize(out.len() + length, b'x'));
        let shared = Frame::text(|out| out.resize(out.len() + length, b'y'));
        bytes.extend_from_slice(shared.websocket());
    }
    let mut client = client(bytes);

    for length in LENGTHS {
        assert_eq!(client.read().unwrap(), Message::Binary(vec![7; length].into()), "{length}");
        assert_eq!(client.read().unwrap(), Message::Text("x".repeat(length).into()), "{length}");
        assert_eq!(client.read().unwrap(), Message::Text("y".repeat(length).into()), "{length}");
    }
}

#[test]
fn a_packet_is_read_before_its_attachments() {
    let bytes = LENGTHS.map(|length| Binary(vec![7; length].into()));
    let write = |out: &mut Vec<u8>| packet::write_event(out, "/", None, "e", &Args(&bytes));
    let shared = Frame::packet(PacketFormat::Text, write).unwrap();
    let mut appended = b"before".to_vec();
    append_packet(&mut appended, PacketFormat::Text, write, |_| ()).unwrap();
    assert_eq!(appended.strip_prefix(b"before").unwrap(), shared.websocket());

    let mut client = client(shared.websocket().to_vec());

    let head = client.read().unwrap().into_text().unwrap();
    assert!(head.starts_with(r#"458-["e",{"_placeholder":true,"num":0},"#), "{head}");
    for length in LENGTHS {
        assert_eq!(client.read().unwrap(), Message::Binary(vec![7; length].into()), "{length}");
    }
}

#[test]
fn a_packet_that_cannot_be_written_leaves_nothing_behind() {
    let mut out = b"before".to_vec();

    let write = |out: &mut Vec<u8>| packet::write_event(out, "/", None, "e", &Args(1));
    let written = append_packet(&mut out, PacketFormat::Text, write, |_| ());

    assert!(written.is_err());
    assert_eq!(out, b"before");
    assert!(
        Frame::packet(PacketFormat::Text, |out| packet::write_ack(out, "/", 1, &Args(1))).is_err()
    );
}

#[test]
fn a_pong_is_read_back() {
    let mut bytes = Vec::new();
    append_pong(&mut bytes, b"what was asked");

    assert_eq!(client(bytes).read().unwrap(), Message::Pong("what was asked".into()));
}

#[test]
fn every_close_code_is_read_back() {
    for (ours, theirs) in [
        (CloseCode::Normal, coding::CloseCode::Normal),
        (CloseCode::GoingAway, coding::CloseCode::Away),
        (CloseCode::Protocol, coding::CloseCode::Protocol),
        (CloseCode::InvalidPayload, coding::CloseCode::Invalid),
        (CloseCode::Policy, coding::CloseCode::Policy),
        (CloseCode::TooBig, coding::CloseCode::Size),
        (CloseCode::TryAgainLater, coding::CloseCode::Again),
    ] {
        let mut bytes = Vec::new();
        append_close(&mut bytes, ours, "why");

        let close = CloseFrame { code: theirs, reason: "why".into() };
        assert_eq!(client(bytes).read().unwrap(), Message::Close(Some(close)), "{ours:?}");
    }
}

#[test]
fn a_reason_that_is_too_long_is_cut_between_characters() {
    let mut bytes = Vec::new();
    append_close(&mut bytes, CloseCode::Normal, &"é".repeat(100));

    let close = CloseFrame { code: coding::CloseCode::Normal, reason: "é".repeat(61).into() };
    assert_eq!(client(bytes).read().unwrap(), Message::Close(Some(close)));
}

const LENGTHS: [usize; 8] = [0, 1, 125, 126, 127, 65_535, 65_536, 200_000];
