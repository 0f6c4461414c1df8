//! The client's end of a link in memory: WebSocket frames over a pipe.
//!
//! A task of its own reads, so that heartbeats are answered also while the test does something else, as a
//! real client does. A few messages ahead of the test it stops: who is not read is a slow reader.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use doorward_protocol::ws::{self, Opcode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf},
    sync::{Mutex, mpsc},
    task::AbortHandle,
};

/// A pipe to a link's task.
pub(super) struct MemoryLink {
    /// Shared with whoever answers heartbeats; held while one frame is written.
    out: Arc<Mutex<WriteHalf<DuplexStream>>>,
    seen: mpsc::Receiver<Seen>,
    /// Messages that were read while something else was looked for.
    ahead: VecDeque<Seen>,
    reader: AbortHandle,
}

/// The side that reads.
struct Reader {
    io: ReadHalf<DuplexStream>,
    unread: Vec<u8>,
    out: Arc<Mutex<WriteHalf<DuplexStream>>>,
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
        let (io, out) = tokio::io::split(io);
        let out = Arc::new(Mutex::new(out));
        let (sender, seen) = mpsc::channel(AHEAD);
        let mut reader = Reader { io, unread: Vec::new(), out: Arc::clone(&out) };
        let reader = tokio::spawn(async move {
            loop {
                let seen = reader.read().await;
                let is_over = matches!(seen, Seen::Closed);
                if sender.send(seen).await.is_err() || is_over {
                    return;
                }
            }
        });
        Self { out, seen, ahead: VecDeque::new(), reader: reader.abort_handle() }
    }

    /// Sends a message; a server that has closed already is found out by reading.
    pub(super) async fn send(&self, opcode: Opcode, payload: &[u8]) {
        drop(self.out.lock().await.write_all(&masked(opcode, payload)).await);
    }

    /// Returns the next message that is not a heartbeat.
    pub(super) async fn next(&mut self) -> Seen {
        match self.ahead.pop_front() {
            Some(seen) => seen,
            None => self.read().await,
        }
    }

    async fn read(&mut self) -> Seen {
        self.seen.recv().await.unwrap_or(Seen::Closed)
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
}

/// A client that is dropped is gone.
impl Drop for MemoryLink {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Reader {
    async fn read(&mut self) -> Seen {
        loop {
            let Some((opcode, payload)) = self.take_frame() else {
                match self.io.read_buf(&mut self.unread).await {
                    Ok(count) if count > 0 => continue,
                    _ => return Seen::Closed,
                }
            };
            match opcode {
                TEXT if payload == b"2" => self.answer_heartbeat(),
                TEXT => return Seen::Text(String::from_utf8_lossy(&payload).into_owned()),
                BINARY => return Seen::Binary(payload.into()),
                PONG => return Seen::Pong,
                _ => return Seen::Closed,
            }
        }
    }

    /// Never waits for a server that does not read meanwhile.
    fn answer_heartbeat(&self) {
        let out = Arc::clone(&self.out);
        tokio::spawn(async move {
            drop(out.lock().await.write_all(&masked(Opcode::Text, b"3")).await);
        });
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

/// Messages that are read ahead of the test.
const AHEAD: usize = 16;
