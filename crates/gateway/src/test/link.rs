//! The client's end of a link in memory: WebSocket frames over a pipe.

use std::collections::VecDeque;

use bytes::Bytes;
use doorward_protocol::ws::{self, Opcode};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// A pipe to a link's task.
pub(super) struct MemoryLink {
    io: DuplexStream,
    unread: Vec<u8>,
    /// Messages that were read while something else was looked for.
    ahead: VecDeque<Seen>,
}

/// What the server sent.
pub(super) enum Seen {
    Text(String),
    Binary(Bytes),
    Pong,
    Closed,
}

impl MemoryLink {
    pub(super) fn new(io: DuplexStream) -> Self {
        Self { io, unread: Vec::new(), ahead: VecDeque::new() }
    }

    /// Sends a message; a server that has closed already is found out by reading.
    pub(super) async fn send(&mut self, opcode: Opcode, payload: &[u8]) {
        drop(self.io.write_all(&masked(opcode, payload)).await);
    }

    /// Reads the next message that is not a heartbeat, which is answered.
    pub(super) async fn next(&mut self) -> Seen {
        match self.ahead.pop_front() {
            Some(seen) => seen,
            None => self.read().await,
        }
    }

    /// Takes a message that was read already.
    pub(super) fn read_ahead(&mut self) -> Option<Seen> {
        self.ahead.pop_front()
    }

    /// Completes when everything that the server had to say before has been read.
    pub(super) async fn settle(&mut self) {
        self.send(Opcode::Ping, b"").await;
        loop {
            match self.read().await {
                Seen::Pong => return,
                Seen::Closed => {
                    self.ahead.push_back(Seen::Closed);
                    return;
                }
                seen => self.ahead.push_back(seen),
            }
        }
    }

    async fn read(&mut self) -> Seen {
        loop {
            let Some((opcode, payload)) = self.take_frame() else {
                match self.io.read_buf(&mut self.unread).await {
                    Ok(count) if count > 0 => continue,
                    _ => return Seen::Closed,
                }
            };
            match opcode {
                TEXT if payload == b"2" => self.send(Opcode::Text, b"3").await,
                TEXT => return Seen::Text(String::from_utf8_lossy(&payload).into_owned()),
                BINARY => return Seen::Binary(payload.into()),
                PONG => return Seen::Pong,
                _ => return Seen::Closed,
            }
        }
    }

    /// Splits a whole frame off what was read; a server neither masks nor fragments.
    fn take_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let (&[first, second], rest) = self.unread.split_first_chunk()?;
        let (length, header) = match second {
            126 => (usize::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
            127 => (usize::try_from(u64::from_be_bytes(*rest.first_chunk()?)).ok()?, 10),
            short => (usize::from(short), 2),
        };
        if self.unread.len() < header + length {
            return None;
        }
        let payload = self.unread.drain(..header + length).skip(header).collect();
        Some((first & 0x0F, payload))
    }
}

/// A frame as a client sends it. The mask changes nothing: there is no proxy here to be protected.
fn masked(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    ws::append(&mut out, opcode, |out| out.extend_from_slice(payload));
    out[1] |= 0x80;
    let header = out.len() - payload.len();
    out.splice(header..header, [0; 4]);
    out
}

const TEXT: u8 = Opcode::Text as u8;
const BINARY: u8 = Opcode::Binary as u8;
const PONG: u8 = Opcode::Pong as u8;
