//! Reads bytes with tungstenite as a server.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
};

use tungstenite::{
    Error, Message, WebSocket,
    error::ProtocolError,
    protocol::{Role, WebSocketConfig, frame::coding::CloseCode},
};

use super::{Class, End, LIMIT, Outcome, Seen};

/// A stream that returns the pieces one by one and discards all answers.
struct Peer(VecDeque<Vec<u8>>);

impl Read for Peer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Reading 0 bytes would mean the end of the stream, so empty pieces are skipped.
        while self.0.front().is_some_and(Vec::is_empty) {
            self.0.pop_front();
        }
        let Some(piece) = self.0.front_mut() else { return Ok(0) };
        let count = piece.len().min(buffer.len());
        for (place, byte) in buffer.iter_mut().zip(piece.drain(..count)) {
            *place = byte;
        }
        Ok(count)
    }
}

impl Write for Peer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads `pieces` in order.
pub(super) fn read(pieces: &[&[u8]]) -> Outcome {
    let peer = Peer(pieces.iter().map(|piece| piece.to_vec()).collect());
    let config = WebSocketConfig::default()
        .read_buffer_size(1024)
        .max_message_size(Some(LIMIT))
        .max_frame_size(Some(LIMIT));
    let mut socket = WebSocket::from_raw_socket(peer, Role::Server, Some(config));
    let mut seen = Vec::new();
    let end = loop {
        match socket.read() {
            Ok(Message::Text(text)) => seen.push(Seen::Text(text.to_string())),
            Ok(Message::Binary(bytes)) => seen.push(Seen::Binary(bytes.into())),
            Ok(Message::Ping(bytes)) => seen.push(Seen::Ping(bytes.into())),
            Ok(Message::Pong(_)) => seen.push(Seen::Pong),
            // tungstenite reports a close frame with an invalid code in this form.
            Ok(Message::Close(Some(frame)))
                if frame.code == CloseCode::Protocol
                    && frame.reason.as_str() == "Protocol violation" =>
            {
                break End::Refused(Class::Protocol);
            }
            Ok(Message::Close(_)) => break End::Closed,
            Ok(Message::Frame(_)) => panic!("raw frames are never read"),
            Err(error) => break ended(&error),
        }
    };
    Outcome { seen, end }
}

fn ended(error: &Error) -> End {
    match error {
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => End::Incomplete,
        Error::Protocol(_) => End::Refused(Class::Protocol),
        Error::Capacity(_) => End::Refused(Class::TooLarge),
        Error::Utf8(_) => End::Refused(Class::Utf8),
        other => panic!("tungstenite ended with {other}"),
    }
}
