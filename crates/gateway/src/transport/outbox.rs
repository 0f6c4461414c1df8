//! The queue of packets that wait to be sent on a link.
//!
//! Packets are stored as WebSocket frames, because nearly all of them are sent in this form. Frames
//! that several links share are queued without a copy. Packets of the link itself are appended to a
//! buffer, which is called the tail. Usually the queue has no shared frames. The tail is then sent
//! in one write, and the next link of the thread reuses its memory ([`PooledOutbox`]).
//!
//! Each frame has a mark with its end, its owner and its opcode. With the marks, the packets of one
//! socket can be removed without parsing the frames again. A wire that is no WebSocket finds each
//! packet by its marks. Start reading at [`Outbox::packet`].

mod mark;
mod pooled;

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use doorward_protocol::{
    Frame, Message, PacketFormat, append_packet,
    ws::{self, CloseCode, Opcode},
};
use tokio::io::AsyncWrite;

use self::mark::Mark;
pub(crate) use self::{mark::Owner, pooled::PooledOutbox};

/// The queue of packets that wait to be sent on a link.
#[derive(Default)]
pub(crate) struct Outbox {
    /// Parts, which are buffers that are sent before the tail, oldest first. Each holds one or more
    /// whole frames.
    queue: VecDeque<Bytes>,
    /// Buffer of the newest packets, which are not shared with other links.
    tail: Vec<u8>,
    /// Number of bytes of the oldest part that were already sent. If the queue is empty, the tail
    /// is the oldest part.
    sent: usize,
    /// Number of bytes in the parts of `queue`, including those that were sent.
    queued: usize,
    /// Marks of the frames in the queue and in the tail, oldest first.
    marks: VecDeque<Mark>,
    /// Format of Socket.IO packets.
    format: PacketFormat,
    /// Number of bytes in the parts that have left the outbox since it was last empty. This number is
    /// the offset of the oldest part. The offsets in marks count from the same origin.
    gone: usize,
}

/// A position in the tail. Packets that were written after this position can be removed again.
#[derive(Clone, Copy)]
pub(crate) struct Position {
    tail: usize,
    marks: usize,
}

/// A frame that waits to be sent.
pub(crate) struct QueuedFrame {
    pub(crate) opcode: Opcode,
    /// `true` if the frame belongs to the packet of the frame before it.
    pub(crate) is_attachment: bool,
    pub(crate) payload: Bytes,
}

/// Packets that were taken from the end of the tail.
pub(crate) struct Withheld {
    bytes: Vec<u8>,
    /// Mark of each frame, whose end is counted from the first one.
    marks: Vec<Mark>,
}

impl Outbox {
    /// Queues a packet of Engine.IO. It has no owner, because it belongs to the link itself.
    pub(crate) fn engine(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.frame(Opcode::Text, write);
    }

    /// Queues a packet of Socket.IO without attachments and without an owner.
    pub(crate) fn control(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let written = self.packet(None, |out| {
            write(out);
            Ok(Vec::new())
        });
        if let Err(error) = written {
            tracing::error!(%error, "A packet could not be written.");
        }
    }

    /// Queues a packet with its attachments. A packet without an owner is never [cut](Self::cut).
    ///
    /// # Errors
    /// The error of `write`; nothing is queued then.
    pub(crate) fn packet(
        &mut self,
        owner: Option<Owner>,
        write: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<Vec<Bytes>>,
    ) -> serde_json::Result<()> {
        let before = self.gone + self.queued;
        let marks = &mut self.marks;
        append_packet(&mut self.tail, self.format, write, |part| {
            marks.push_back(Mark::of(part, before, owner));
        })
    }

    /// Queues the message itself, if it is a message of Engine.IO. Returns `false` for packets that
    /// control the link.
    pub(crate) fn echo(&mut self, message: Message<'_>) -> bool {
        match message {
            Message::Text(text) if text.starts_with('4') => {
                self.frame(Opcode::Text, |out| out.extend_from_slice(text.as_bytes()));
            }
            Message::Text(_) => return false,
            Message::Binary(bytes) => {
                self.frame(Opcode::Binary, |out| out.extend_from_slice(bytes));
            }
        }
        true
    }

    /// Queues the answer to a WebSocket ping.
    pub(crate) fn pong(&mut self, payload: &[u8]) {
        self.frame(Opcode::Pong, |out| out.extend_from_slice(payload));
    }

    /// Queues a close frame. `reason` is sent in the frame, for the developer of the client.
    pub(crate) fn close(&mut self, code: CloseCode, reason: &str) {
        ws::append_close(&mut self.tail, code, reason);
        self.mark(Opcode::Close);
    }

    fn frame(&mut self, opcode: Opcode, write: impl FnOnce(&mut Vec<u8>)) {
        ws::append(&mut self.tail, opcode, write);
        self.mark(opcode);
    }

    fn mark(&mut self, opcode: Opcode) {
        let end = self.gone + self.queued + self.tail.len();
        self.marks.push_back(Mark { end, owner: None, opcode, is_attachment: false });
    }

    /// Queues a packet that is shared with other links, without a copy.
    pub(crate) fn push(&mut self, owner: Owner, frame: &Frame) {
        if !self.tail.is_empty() {
            // The tail is copied, because its buffer is far larger and is reused by the thread.
            self.queued += self.tail.len();
            self.queue.push_back(Bytes::copy_from_slice(&self.tail));
            self.tail.clear();
        }
        let (before, owner) = (self.gone + self.queued, Some(owner));
        let marks = frame.parts().map(|part| Mark::of(part, before, owner));
        self.marks.extend(marks);
        self.queued += frame.len();
        self.queue.push_back(frame.websocket().clone());
    }

    /// Returns the position at which the next packet will begin. The position is valid until a
    /// packet is [pushed](Self::push) or bytes are sent.
    pub(crate) fn position(&self) -> Position {
        Position { tail: self.tail.len(), marks: self.marks.len() }
    }

    /// Drops the packets that were written after `position`.
    pub(crate) fn truncate(&mut self, position: Position) {
        self.tail.truncate(position.tail);
        self.marks.truncate(position.marks);
    }

    /// Takes out the packets after `position`, so that other packets can be queued before them.
    pub(crate) fn withhold(&mut self, position: Position) -> Withheld {
        let start = self.gone + self.queued + position.tail;
        let marks = self.marks.drain(position.marks..);
        let marks = marks.map(|mark| Mark { end: mark.end - start, ..mark }).collect();
        Withheld { bytes: self.tail.split_off(position.tail), marks }
    }

    /// Queues packets again that [`withhold`](Self::withhold) has taken out.
    pub(crate) fn resume(&mut self, withheld: &Withheld) {
        let start = self.gone + self.queued + self.tail.len();
        let marks = withheld.marks.iter().map(|mark| Mark { end: mark.end + start, ..*mark });
        self.marks.extend(marks);
        self.tail.extend_from_slice(&withheld.bytes);
    }

    /// Drops the packets for whose owner `keeps` is `false`. Returns `false` if one of them was
    /// already sent in part.
    pub(crate) fn cut(&mut self, keeps: impl Fn(Owner) -> bool) -> bool {
        // A revoked client must receive no packet that is still queued for it, and the other
        // sockets of the link must lose none. A frame and its attachments are one unit, because
        // clients close the connection if they receive only a part of it:
        // - A unit that was sent completely is dropped, because only its memory is left.
        // - A unit to keep that was sent in part is kept whole, and `sent` says where to continue.
        //   So the outbox always begins with a frame, which the next cut relies on.
        // - The rest of a unit to drop that was sent in part must not be sent. No other packet can
        //   be sent instead, so the caller cuts the connection.
        let (waiting, first) = (self.waiting(), self.gone);
        let (mut kept, mut marks) = (Vec::new(), VecDeque::new());
        let (mut start, mut kept_sent, mut is_clean) = (0, 0, true);
        let mut packet = Vec::new();
        while let Some(mark) = self.marks.pop_front() {
            packet.push(mark);
            // An attachment is sent together with the frame before it or not at all.
            if self.marks.front().is_some_and(|next| next.is_attachment) {
                continue;
            }
            let end = mark.end - first;
            let sent = self.sent.saturating_sub(start).min(end - start);
            let is_sent = sent == end - start;
            if !is_sent && mark.owner.is_none_or(&keeps) {
                kept_sent += sent;
                let moved = start - kept.len();
                kept.extend_from_slice(&waiting[start..end]);
                marks.extend(packet.iter().map(|mark| Mark { end: mark.end - moved, ..*mark }));
            } else if !is_sent && sent > 0 {
                is_clean = false;
            }
            packet.clear();
            start = end;
        }
        self.queue.clear();
        self.tail.clear();
        (self.sent, self.queued, self.marks) = (kept_sent, kept.len(), marks);
        if !kept.is_empty() {
            self.queue.push_back(kept.into());
        }
        is_clean
    }

    /// Returns each frame that waits, oldest first. A frame that was sent in part is returned whole.
    pub(crate) fn frames(&self) -> impl Iterator<Item = QueuedFrame> {
        let waiting = Bytes::from(self.waiting());
        self.unsent().map(move |(start, mark)| {
            let frame = waiting.slice(start..mark.end - self.gone);
            let payload = frame.slice(ws::header_length(frame.len())..);
            QueuedFrame { opcode: mark.opcode, is_attachment: mark.is_attachment, payload }
        })
    }

    /// Returns the opcode and the payload of the oldest frame that waits. No part of the frame may
    /// have been sent.
    pub(crate) fn front(&self) -> Option<(Opcode, &[u8])> {
        let (start, mark) = self.unsent().next()?;
        let part = self.parts().next()?;
        let frame = part.get(start..mark.end - self.gone)?;
        Some((mark.opcode, frame.get(ws::header_length(frame.len())..)?))
    }

    /// Returns the code and the reason of the close frame, if one was queued. It is the last frame.
    pub(crate) fn end(&self) -> Option<(u16, &[u8])> {
        let close = self.marks.back().filter(|mark| mark.opcode == Opcode::Close)?;
        // The frame is in the tail, because close frames are not shared.
        let end = close.end - self.gone - self.queued;
        let before = self.marks.len().checked_sub(2).map_or(0, |last| self.marks[last].end);
        let start = before.saturating_sub(self.gone + self.queued);
        let payload = self.tail.get(start + 2..end)?;
        payload.split_first_chunk().map(|(code, reason)| (u16::from_be_bytes(*code), reason))
    }

    /// Returns the mark of each frame that was not sent completely, and the start of the frame. The
    /// start is counted from the oldest part.
    fn unsent(&self) -> impl Iterator<Item = (usize, Mark)> {
        let mut next = 0;
        let marks = self.marks.iter().map(move |mark| {
            let start = std::mem::replace(&mut next, mark.end - self.gone);
            (start, *mark)
        });
        marks.skip_while(|(_, mark)| mark.end - self.gone <= self.sent)
    }

    /// Returns a copy of every byte of the outbox, beginning with the oldest part. Bytes of this
    /// part that were already sent are included.
    fn waiting(&self) -> Vec<u8> {
        self.parts().collect::<Vec<_>>().concat()
    }

    fn parts(&self) -> impl Iterator<Item = &[u8]> {
        self.queue.iter().map(|part| &part[..]).chain([&self.tail[..]])
    }

    /// Drops all packets and keeps the memory for later packets.
    pub(crate) fn forget(&mut self) {
        self.queue.clear();
        self.tail.clear();
        self.marks.clear();
        (self.gone, self.queued, self.sent) = (0, 0, 0);
    }

    /// Returns the number of bytes that wait to be sent.
    pub(crate) fn len(&self) -> usize {
        self.queued + self.tail.len() - self.sent
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes as many waiting bytes to `io` as it accepts in one call, and returns their number.
    /// The caller then [removes](Self::advance) these bytes.
    pub(crate) fn poll_write(
        &self,
        io: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.queue.is_empty() {
            return Pin::new(io).poll_write(cx, &self.tail[self.sent..]);
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        let mut count = 0;
        for (slot, part) in slices.iter_mut().zip(self.parts()) {
            let skip = if count == 0 { self.sent } else { 0 };
            *slot = IoSlice::new(&part[skip..]);
            count += 1;
        }
        Pin::new(io).poll_write_vectored(cx, &slices[..count])
    }

    /// Removes the first `count` bytes, because they were sent.
    pub(crate) fn advance(&mut self, mut count: usize) {
        if count == self.len() {
            return self.forget();
        }
        while let Some(front) = self.queue.front()
            && count >= front.len() - self.sent
        {
            count -= front.len() - self.sent;
            self.gone += front.len();
            self.queued -= front.len();
            self.sent = 0;
            self.queue.pop_front();
        }
        self.sent += count;
        // A part of the queue leaves as a whole. Until then the marks of all of its frames are kept,
        // so that the first mark always belongs to the first byte of the oldest part.
        while self.marks.front().is_some_and(|mark| mark.end <= self.gone) {
            self.marks.pop_front();
        }
        // Bytes are moved at most once for each byte that was sent.
        if self.queue.is_empty() && self.sent >= FREED_FROM.max(self.tail.len() / 2) {
            self.free_sent();
        }
    }

    /// Frees the packets of the tail that were sent completely, for a client that reads slowly and
    /// never empties the outbox. A packet and its attachments are freed together.
    fn free_sent(&mut self) {
        let sent = self.gone + self.sent;
        let (mut marks, mut end) = (0, self.gone);
        for (index, mark) in self.marks.iter().enumerate().take_while(|(_, mark)| mark.end <= sent)
        {
            if self.marks.get(index + 1).is_none_or(|next| !next.is_attachment) {
                (marks, end) = (index + 1, mark.end);
            }
        }
        self.marks.drain(..marks);
        self.tail.drain(..end - self.gone);
        (self.sent, self.gone) = (sent - end, end);
    }

    /// Removes the first `count` frames, because they were sent completely.
    pub(crate) fn advance_frames(&mut self, count: usize) {
        let last = count.checked_sub(1).and_then(|last| self.unsent().nth(last));
        if let Some((_, last)) = last {
            self.advance(last.end - self.gone - self.sent);
        }
    }
}

/// Number of sent bytes from which the memory of the tail is freed although packets still wait.
const FREED_FROM: usize = 64 * 1024;

/// Maximum number of parts in one system call. Linux accepts up to 1,024 (`IOV_MAX`).
const SLICES: usize = 64;

#[cfg(test)]
mod tests;
