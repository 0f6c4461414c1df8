//! A wire in memory, which carries messages instead of frames and bytes.
//!
//! Two lanes connect the task of a link with a test. Each lane is a bounded queue with the wakers
//! of its reader and its writer. If the client does not read, the server stops writing, as with a
//! full TCP connection. Start reading at [`Lane`].

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use doorward_core::lock;
use doorward_protocol::{Message, PacketFormat, msgpack, packet::Packet, ws::Opcode};

use crate::transport::{
    outbox::{Outbox, QueuedFrame},
    wire::{BEGINNING, ReadEnd, Received, Receiver, Wire},
};

/// Server's end of the wire.
///
/// It answers Engine.IO pings for the client. A real client answers them in the background, but in
/// a test there is no background task. If [`AHEAD`] messages are unread, no ping is answered,
/// because the client does not read.
pub(super) struct MemoryWire {
    received: Arc<Lane>,
    sent: Arc<Lane>,
    /// Format of the server. Tests always use text, which is translated here.
    format: PacketFormat,
    /// A packet of the client whose attachments have not all arrived, if the format has none.
    partial: Option<(String, Vec<Bytes>)>,
}

/// Client's end of the wire. Dropping it closes the connection.
pub(super) struct MemoryLink {
    sent: Arc<Lane>,
    seen: Arc<Lane>,
    /// Messages that [`settle`](Self::settle) has read.
    ahead: VecDeque<Carried>,
}

/// A message of the client or of the server. Only the client sends pings, and only the server sends
/// pongs and closes.
#[derive(Debug)]
pub(super) enum Carried {
    Text(String),
    Binary(Bytes),
    Ping,
    Pong,
    Closed,
}

impl Carried {
    /// Returns the size in bytes.
    fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
            Self::Ping | Self::Pong | Self::Closed => 0,
        }
    }
}

/// Creates the two ends of a wire.
pub(super) fn connect(format: PacketFormat) -> (MemoryWire, MemoryLink) {
    let (up, down) = (Arc::new(Lane::default()), Arc::new(Lane::default()));
    let (received, sent) = (Arc::clone(&up), Arc::clone(&down));
    let wire = MemoryWire { received, sent, format, partial: None };
    (wire, MemoryLink { sent: up, seen: down, ahead: VecDeque::new() })
}

impl MemoryLink {
    /// Sends a message. If the server has closed the connection, the message is dropped, and the
    /// next read reports the end.
    pub(super) async fn send(&self, message: Carried) {
        let mut message = Some(message);
        poll_fn(|cx| self.sent.poll_push(cx, &mut message, true)).await;
    }

    /// Waits for the next message, and returns it. Heartbeats are not among the messages. Returns
    /// [`Carried::Closed`] if the connection has ended.
    pub(super) async fn next(&mut self) -> Carried {
        match self.ahead.pop_front() {
            Some(seen) => seen,
            None => self.read().await,
        }
    }

    async fn read(&self) -> Carried {
        poll_fn(|cx| self.seen.poll_pop(cx)).await.unwrap_or(Carried::Closed)
    }

    /// Returns the next message that [`settle`](Self::settle) has read, or `None` if there is none
    /// left.
    pub(super) fn read_ahead(&mut self) -> Option<Carried> {
        self.ahead.pop_front()
    }

    /// Reads everything that the server sends before it answers a WebSocket ping.
    pub(super) async fn settle(&mut self) {
        // The link reads its mailbox before its wire, and the pong is queued in the outbox like any
        // other packet. So everything that was sent to the client earlier arrives before the pong.
        self.send(Carried::Ping).await;
        loop {
            match self.read().await {
                Carried::Pong => return,
                Carried::Closed => return self.ahead.push_back(Carried::Closed),
                seen => self.ahead.push_back(seen),
            }
        }
    }
}

impl Drop for MemoryLink {
    fn drop(&mut self) {
        self.sent.close();
        self.seen.close();
    }
}

impl MemoryWire {
    /// Turns what a test sends into MessagePack. Returns `None` while attachments are missing.
    fn translate(&mut self, sent: Carried) -> Option<Carried> {
        let (text, attachments) = match (sent, self.partial.take()) {
            (Carried::Text(text), None) if text.starts_with('4') => (text, Vec::new()),
            (Carried::Binary(bytes), Some((text, mut attachments))) => {
                attachments.push(bytes);
                (text, attachments)
            }
            (sent, _) => return Some(sent),
        };
        let Ok(packet) = Packet::parse(text.get(1..).unwrap_or_default()) else {
            return Some(Carried::Text(text));
        };
        if attachments.len() < packet.attachments {
            self.partial = Some((text, attachments));
            return None;
        }
        let mut message = Vec::new();
        match msgpack::encode(&mut message, &packet, &attachments) {
            Ok(()) => Some(Carried::Binary(message.into())),
            // The server closes the link because of a text.
            Err(_) => Some(Carried::Text(text)),
        }
    }

    /// Returns a packet of the server as a client with the text format would receive it.
    fn carried(&self, opcode: Opcode, payload: Bytes) -> (Carried, Vec<Bytes>) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let carried = match opcode {
            Opcode::Binary if self.format == PacketFormat::MessagePack => {
                let Ok(translated) = msgpack::decode(&payload, usize::MAX, usize::MAX) else {
                    return (Carried::Closed, Vec::new());
                };
                let text = format!("4{}", translated.packet());
                return (Carried::Text(text), translated.attachments);
            }
            Opcode::Text => Carried::Text(text(&payload)),
            Opcode::Binary => Carried::Binary(payload),
            Opcode::Pong => Carried::Pong,
            _ => Carried::Closed,
        };
        (carried, Vec::new())
    }
}

impl Wire for MemoryWire {
    fn read(&mut self, cx: &mut Context<'_>, receiver: &mut impl Receiver) -> ReadEnd {
        while receiver.is_ready() {
            let Poll::Ready(sent) = self.received.poll_pop(cx) else { return ReadEnd::Dry };
            let sent = match (self.format, sent) {
                (PacketFormat::MessagePack, Some(sent)) => match self.translate(sent) {
                    None => continue,
                    translated => translated,
                },
                (_, sent) => sent,
            };
            let length = sent.as_ref().map_or(0, Carried::size);
            let message = match &sent {
                Some(Carried::Text(text)) => Received::Message(Message::Text(text)),
                Some(Carried::Binary(bytes)) => Received::Message(Message::Binary(bytes)),
                Some(Carried::Ping) => Received::Ping(b""),
                Some(Carried::Pong | Carried::Closed) | None => Received::Lost,
            };
            // A real wire does not read a message beyond the limit, but reports only its beginning.
            if length > receiver.message_limit() {
                let message = match &sent {
                    Some(Carried::Text(text)) => text.as_bytes(),
                    Some(Carried::Binary(bytes)) => bytes,
                    _ => b"",
                };
                let beginning = message.get(..BEGINNING).unwrap_or(message);
                receiver.receive(Received::TooLarge { beginning });
            } else {
                receiver.receive(message);
            }
            receiver.receive(Received::Bytes(length));
        }
        ReadEnd::NotReading
    }

    fn stop_reading(&mut self) {
        self.received.clear();
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Poll<io::Result<()>> {
        if self.sent.is_closed() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let mut count = 0;
        for QueuedFrame { opcode, payload, .. } in outbox.frames() {
            let (carried, attachments) = self.carried(opcode, payload);
            let mut seen = Some(carried);
            // In Engine.IO `2` is a ping and `3` is a pong.
            let is_heartbeat = matches!(&seen, Some(Carried::Text(text)) if text == "2");
            if self.sent.poll_push(cx, &mut seen, !is_heartbeat).is_pending() {
                break;
            }
            for bytes in attachments {
                self.sent.push_beyond(Carried::Binary(bytes));
            }
            if is_heartbeat {
                // The pong is queued even if the lane is full, because this task is the one that
                // reads from it.
                self.received.push_beyond(Carried::Text("3".into()));
            }
            count += 1;
        }
        // Frames that do not fit into the lane stay in the outbox, like bytes for a slow
        // connection.
        outbox.advance_frames(count);
        if outbox.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// Sends the remaining frames. Nothing is lost in memory, so the client need not confirm the
    /// end.
    fn poll_close(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Poll<()> {
        self.poll_flush(cx, outbox).map(drop)
    }

    fn is_closed_by_peer(&self) -> bool {
        self.received.is_closed()
    }
}

impl Drop for MemoryWire {
    fn drop(&mut self) {
        self.received.close();
        self.sent.close();
    }
}

/// Queue of messages in one direction, bounded by number and by bytes.
///
/// The mutex protects the queue and the wakers together, because a reader that finds the queue
/// empty must store its waker before a writer can add a message. It is held for one operation.
#[derive(Debug, Default)]
struct Lane(Mutex<Messages>);

#[derive(Debug, Default)]
struct Messages {
    queue: VecDeque<Carried>,
    /// Total size of the queued messages, in bytes.
    bytes: usize,
    is_closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Lane {
    /// Queues the message when there is room, and drops it if the lane is closed. If `counts` is
    /// `false`, the message waits for room as well but is then dropped.
    fn poll_push(&self, cx: &Context<'_>, message: &mut Option<Carried>, counts: bool) -> Poll<()> {
        let mut messages = lock(&self.0);
        if messages.is_closed {
            return Poll::Ready(());
        }
        if messages.queue.len() >= AHEAD || messages.bytes >= PIPE {
            messages.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if let Some(message) = message.take().filter(|_| counts) {
            messages.bytes += message.size();
            messages.queue.push_back(message);
        }
        wake(messages.reader.take());
        Poll::Ready(())
    }

    /// Queues a message even if the lane is full.
    fn push_beyond(&self, message: Carried) {
        let mut messages = lock(&self.0);
        messages.bytes += message.size();
        messages.queue.push_back(message);
        wake(messages.reader.take());
    }

    /// Returns the next message, or `None` if the lane is closed and empty.
    fn poll_pop(&self, cx: &Context<'_>) -> Poll<Option<Carried>> {
        let mut messages = lock(&self.0);
        let Some(message) = messages.queue.pop_front() else {
            if messages.is_closed {
                return Poll::Ready(None);
            }
            messages.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        messages.bytes -= message.size();
        wake(messages.writer.take());
        Poll::Ready(Some(message))
    }

    fn close(&self) {
        let mut messages = lock(&self.0);
        messages.is_closed = true;
        wake(messages.reader.take());
        wake(messages.writer.take());
    }

    fn clear(&self) {
        let mut messages = lock(&self.0);
        messages.queue.clear();
        messages.bytes = 0;
    }

    fn is_closed(&self) -> bool {
        lock(&self.0).is_closed
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// Maximum number of messages that wait in one direction.
const AHEAD: usize = 16;

/// Number of queued bytes at which a lane is full.
const PIPE: usize = 64 * 1024;
