//! A wire in memory: messages instead of frames and bytes.

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use doorward_protocol::{Message, ws::Opcode};

use crate::transport::{
    outbox::Outbox,
    wire::{ReadEnd, Received, Receiver, Wire},
};

/// The server's end.
///
/// It answers heartbeats for the client, which does so in real life while the test does something else. A client
/// that is [`AHEAD`] messages behind answers none: it does not read.
pub(super) struct MemoryWire {
    received: Arc<Lane<Sent>>,
    sent: Arc<Lane<Seen>>,
}

/// The client's end.
pub(super) struct MemoryLink {
    sent: Arc<Lane<Sent>>,
    seen: Arc<Lane<Seen>>,
    /// Messages that were read while something else was looked for.
    ahead: VecDeque<Seen>,
}

/// A message of the client.
#[derive(Debug)]
pub(super) enum Sent {
    Text(String),
    Binary(Bytes),
    Ping,
}

/// A message of the server.
#[derive(Debug)]
pub(super) enum Seen {
    Text(String),
    Binary(Bytes),
    Pong,
    Closed,
}

/// Connects two ends.
pub(super) fn connect() -> (MemoryWire, MemoryLink) {
    let (up, down) = (Arc::new(Lane::default()), Arc::new(Lane::default()));
    let wire = MemoryWire { received: Arc::clone(&up), sent: Arc::clone(&down) };
    (wire, MemoryLink { sent: up, seen: down, ahead: VecDeque::new() })
}

impl MemoryLink {
    /// Sends a message; that a server has closed already is found out by reading.
    pub(super) async fn send(&self, message: Sent) {
        let mut message = Some(message);
        poll_fn(|cx| self.sent.poll_push(cx, &mut message, true)).await;
    }

    /// Returns the next message that is not a heartbeat.
    pub(super) async fn next(&mut self) -> Seen {
        match self.ahead.pop_front() {
            Some(seen) => seen,
            None => self.read().await,
        }
    }

    async fn read(&self) -> Seen {
        poll_fn(|cx| self.seen.poll_pop(cx)).await.unwrap_or(Seen::Closed)
    }

    /// Takes a message that was read already.
    pub(super) fn read_ahead(&mut self) -> Option<Seen> {
        self.ahead.pop_front()
    }

    /// Completes when everything that the server had sent before has been read.
    pub(super) async fn settle(&mut self) {
        self.send(Sent::Ping).await;
        loop {
            match self.read().await {
                Seen::Pong => return,
                Seen::Closed => return self.ahead.push_back(Seen::Closed),
                seen => self.ahead.push_back(seen),
            }
        }
    }
}

/// A client that is dropped is gone.
impl Drop for MemoryLink {
    fn drop(&mut self) {
        self.sent.close();
        self.seen.close();
    }
}

impl Wire for MemoryWire {
    fn read(&mut self, cx: &mut Context<'_>, receiver: &mut impl Receiver) -> ReadEnd {
        while receiver.is_ready() {
            let Poll::Ready(sent) = self.received.poll_pop(cx) else { return ReadEnd::Dry };
            let (message, length) = match &sent {
                Some(Sent::Text(text)) => (Received::Message(Message::Text(text)), text.len()),
                Some(Sent::Binary(bytes)) => {
                    (Received::Message(Message::Binary(bytes)), bytes.len())
                }
                Some(Sent::Ping) => (Received::Ping(b""), 0),
                None => (Received::Lost, 0),
            };
            if length > receiver.message_limit() {
                let beginning = match &sent {
                    Some(Sent::Text(text)) => {
                        text.get(..text.floor_char_boundary(HEAD)).unwrap_or_default()
                    }
                    _ => "",
                };
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
        for (opcode, payload) in outbox.frames() {
            let text = || String::from_utf8_lossy(&payload).into_owned();
            let mut seen = Some(match opcode {
                Opcode::Text => Seen::Text(text()),
                Opcode::Binary => Seen::Binary(payload),
                Opcode::Pong => Seen::Pong,
                _ => Seen::Closed,
            });
            let is_heartbeat = matches!(&seen, Some(Seen::Text(text)) if text == "2");
            if self.sent.poll_push(cx, &mut seen, !is_heartbeat).is_pending() {
                break;
            }
            if is_heartbeat {
                self.received.push_beyond(Sent::Text("3".into()));
            }
            count += 1;
        }
        outbox.advance_frames(count);
        if !outbox.is_empty() {
            return Poll::Pending;
        }
        outbox.give_back();
        Poll::Ready(Ok(()))
    }

    /// Nothing is lost in memory, so nothing is waited for after the last message.
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

/// A message that takes up room.
trait Size {
    fn size(&self) -> usize;
}

impl Size for Sent {
    fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
            Self::Ping => 0,
        }
    }
}

impl Size for Seen {
    fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
            Self::Pong | Self::Closed => 0,
        }
    }
}

/// Messages on their way in one direction: some, or a few large ones, as on a TCP connection.
#[derive(Debug)]
struct Lane<T>(Mutex<Messages<T>>);

#[derive(Debug)]
struct Messages<T> {
    queue: VecDeque<T>,
    bytes: usize,
    is_closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        let queue = VecDeque::new();
        Self(Mutex::new(Messages { queue, bytes: 0, is_closed: false, reader: None, writer: None }))
    }
}

impl<T: Size> Lane<T> {
    /// Takes the message when there is room, or when the other end is gone. Only what `counts` is kept.
    fn poll_push(&self, cx: &Context<'_>, message: &mut Option<T>, counts: bool) -> Poll<()> {
        let mut messages = self.lock();
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

    /// Queues a message whether there is room or not.
    fn push_beyond(&self, message: T) {
        let mut messages = self.lock();
        messages.bytes += message.size();
        messages.queue.push_back(message);
        wake(messages.reader.take());
    }

    /// Returns the next message; `None` when there is none and none will come.
    fn poll_pop(&self, cx: &Context<'_>) -> Poll<Option<T>> {
        let mut messages = self.lock();
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
        let mut messages = self.lock();
        messages.is_closed = true;
        wake(messages.reader.take());
        wake(messages.writer.take());
    }

    fn clear(&self) {
        let mut messages = self.lock();
        messages.queue.clear();
        messages.bytes = 0;
    }

    fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    fn lock(&self) -> MutexGuard<'_, Messages<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// Messages that may wait in one direction.
const AHEAD: usize = 16;

/// Bytes of messages after which no more may wait in one direction.
const PIPE: usize = 64 * 1024;

/// Bytes of a message that is too long which show whether it is a CONNECT.
const HEAD: usize = 300;
