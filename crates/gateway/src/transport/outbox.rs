//! What waits to be sent on a link.
//!
//! Shared frames are queued as they are; the link's own packets are written one behind the other into
//! a tail. In the common case there is only the tail, it leaves in one write, and its memory goes back
//! to the thread for the next link.

use std::{
    cell::Cell,
    collections::VecDeque,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use doorward_protocol::{
    Frame,
    ws::{self, Unit},
};
use metrics::Gauge;
use tokio::io::AsyncWrite;

#[derive(Default)]
pub(crate) struct Outbox {
    /// What is older than the tail.
    queue: VecDeque<Bytes>,
    tail: Vec<u8>,
    /// How much of the oldest part has been written.
    written: usize,
    /// Bytes in the queue.
    queued: usize,
    /// Bytes that the gauge of the server knows of.
    told: usize,
}

impl Outbox {
    /// Where the link's own packets are appended.
    pub(crate) fn tail(&mut self) -> &mut Vec<u8> {
        if self.tail.capacity() == 0 {
            self.tail = SPARE.take();
        }
        &mut self.tail
    }

    /// Queues a frame that others share.
    pub(crate) fn push(&mut self, frame: &Frame) {
        if !self.tail.is_empty() {
            // Copied, because the tail's own memory is far larger and belongs to the thread.
            self.queued += self.tail.len();
            self.queue.push_back(Bytes::copy_from_slice(&self.tail));
            self.tail.clear();
        }
        self.queued += frame.len();
        self.queue.push_back(frame.websocket().clone());
    }

    /// Drops every event and every answer but those that `keeps` wants, and says whether none of them has been
    /// written in part.
    pub(crate) fn drop_packets(&mut self, keeps: impl Fn(&Unit<'_>) -> bool) -> bool {
        let mut kept = Vec::new();
        let mut is_clean = true;
        let (mut position, mut written) = (0, 0);
        for part in self.queue.iter().map(|part| &part[..]).chain([&self.tail[..]]) {
            for unit in ws::written(part) {
                let start = position;
                position += unit.bytes.len();
                let sent = self.written.saturating_sub(start).min(unit.bytes.len());
                if sent == unit.bytes.len() {
                    continue;
                }
                if unit.namespace.is_none() || keeps(&unit) {
                    // One that is sent in part stays whole, so that what waits always begins with a frame.
                    written += sent;
                    kept.extend_from_slice(unit.bytes);
                } else if sent > 0 {
                    is_clean = false;
                }
            }
        }
        self.queue.clear();
        self.tail.clear();
        (self.written, self.queued) = (written, kept.len());
        if !kept.is_empty() {
            self.queue.push_back(kept.into());
        }
        is_clean
    }

    /// Tells how much waits, when that has changed. What leaves at once is never told.
    pub(crate) fn tell_gauge(&mut self, gauge: &Gauge) {
        let waiting = self.len();
        if waiting != self.told {
            #[expect(clippy::cast_precision_loss, reason = "it is exact up to 2^53")]
            gauge.increment(waiting as f64 - self.told as f64);
            self.told = waiting;
        }
    }

    /// Drops what waits.
    pub(crate) fn clear(&mut self, gauge: &Gauge) {
        (self.queue, self.tail) = (VecDeque::new(), Vec::new());
        (self.queued, self.written) = (0, 0);
        self.tell_gauge(gauge);
    }

    pub(crate) fn len(&self) -> usize {
        self.queued + self.tail.len() - self.written
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes until nothing is left; `Pending` when the peer takes no more for now.
    pub(crate) fn poll_flush(
        &mut self,
        io: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            let written = ready!(self.poll_write(io, cx))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(written);
        }
        self.give_back();
        Poll::Ready(Ok(()))
    }

    fn poll_write(
        &self,
        io: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.queue.is_empty() {
            return Pin::new(io).poll_write(cx, &self.tail[self.written..]);
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        let mut count = 0;
        let parts = self.queue.iter().map(|part| &part[..]).chain([&self.tail[..]]);
        for (slot, part) in slices.iter_mut().zip(parts) {
            let skip = if count == 0 { self.written } else { 0 };
            *slot = IoSlice::new(&part[skip..]);
            count += 1;
        }
        Pin::new(io).poll_write_vectored(cx, &slices[..count])
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(front) = self.queue.front() {
            let left = front.len() - self.written;
            if written < left {
                self.written += written;
                return;
            }
            written -= left;
            self.queued -= front.len();
            self.written = 0;
            self.queue.pop_front();
        }
        self.written += written;
    }

    /// Leaves no memory with a link that has nothing to say.
    fn give_back(&mut self) {
        self.written = 0;
        self.queue.shrink_to(0);
        let mut tail = std::mem::take(&mut self.tail);
        if tail.capacity() <= SPARE_LIMIT {
            tail.clear();
            SPARE.set(tail);
        }
    }
}

thread_local! {
    /// The buffer that the links of this thread take turns with.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A buffer that grew beyond this for one large answer is not kept.
const SPARE_LIMIT: usize = 64 * 1024;

/// Parts in one system call; the kernel takes up to 1,024.
const SLICES: usize = 64;

#[cfg(test)]
mod tests {
    use doorward_protocol::packet;
    use tokio::io::{AsyncReadExt, duplex};

    use super::*;

    fn frame(text: &str) -> Frame {
        Frame::text(|out| out.extend_from_slice(text.as_bytes()))
    }

    /// Flushes through a pipe that takes `step` bytes at a time.
    async fn flush(outbox: &mut Outbox, step: usize) -> Vec<u8> {
        let expected = outbox.len();
        let (mut io, mut peer) = duplex(step);
        let mut seen = vec![0; expected];
        let flushed = std::future::poll_fn(|cx| outbox.poll_flush(&mut io, cx));
        let (flushed, read) = tokio::join!(flushed, peer.read_exact(&mut seen));
        flushed.unwrap();
        assert_eq!(read.unwrap(), expected);
        seen
    }

    #[tokio::test]
    async fn shared_and_own_packets_leave_in_the_order_in_which_they_came() {
        for step in 1..32 {
            let mut outbox = Outbox::default();
            outbox.tail().extend_from_slice(b"one,");
            outbox.tail().extend_from_slice(b"two,");
            outbox.push(&frame("three"));
            outbox.push(&frame("four"));
            outbox.tail().extend_from_slice(b",five");

            let seen = flush(&mut outbox, step).await;

            assert_eq!(seen, b"one,two,\x81\x05three\x81\x04four,five", "step {step}");
            assert!(outbox.is_empty());
        }
    }

    /// Promise 3: whatever has been sent of it, nothing that waits for a socket is left.
    #[tokio::test]
    async fn packets_of_one_namespace_are_dropped_and_no_others() {
        let event = |namespace: &str, text: &str| {
            // From within its payload it would read like a frame.
            let text = text.repeat(90);
            Frame::packet(|out| packet::write_event(out, namespace, None, "e", &text)).unwrap()
        };
        let whole = event("/a", "a").len();
        for sent in 0..=3 * whole {
            let mut outbox = Outbox::default();
            outbox.push(&event("/a", "a"));
            outbox.tail().extend_from_slice(event("/b", "a").websocket());
            outbox.push(&event("/a", "s"));
            ws::append(outbox.tail(), ws::Opcode::Text, |out| out.push(b'2'));
            let mut expected = event("/b", "a").websocket().to_vec();
            expected.drain(..sent.saturating_sub(whole).min(whole));
            expected.extend_from_slice(b"\x81\x012");
            outbox.advance(sent);

            let mut is_clean = outbox.drop_packets(|unit| unit.namespace != Some("/a"));
            // Once more: what is left still begins with a frame.
            is_clean &= outbox.drop_packets(|unit| unit.namespace != Some("/a"));

            let is_cut = (0 < sent && sent < whole) || (2 * whole < sent && sent < 3 * whole);
            assert_eq!(is_clean, !is_cut, "sent {sent}");
            assert_eq!(flush(&mut outbox, 100).await, expected, "sent {sent}");
        }
    }

    #[tokio::test]
    async fn an_empty_outbox_holds_no_memory() {
        let mut outbox = Outbox::default();
        outbox.tail().extend_from_slice(&[0; 10_000]);
        outbox.push(&frame("x"));

        flush(&mut outbox, 100_000).await;

        assert_eq!((outbox.tail.capacity(), outbox.queue.capacity()), (0, 0));
    }
}
