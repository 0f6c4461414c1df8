//! Pools the memory of outboxes: a thread keeps the outbox of one link for the next one.

use std::{
    cell::Cell,
    collections::VecDeque,
    ops::{Deref, DerefMut},
};

use bytes::Bytes;
use doorward_protocol::PacketFormat;
use metrics::Gauge;

use super::{Mark, Outbox};

/// Pointer to the outbox of a link. The outbox comes from the thread when the link queues a packet,
/// and returns to it when no packets wait. An idle link has only the pointer.
pub(crate) struct PooledOutbox {
    outbox: Option<Box<Outbox>>,
    /// Number of bytes of this outbox that the gauge of the server includes.
    reported: usize,
    /// Format of Socket.IO packets.
    format: PacketFormat,
}

impl PooledOutbox {
    pub(crate) fn new(format: PacketFormat) -> Self {
        Self { outbox: None, reported: 0, format }
    }

    /// Returns the outbox to the thread, for its next link that sends. Does nothing while packets
    /// wait.
    pub(crate) fn release(&mut self) {
        if let Some(mut outbox) = self.outbox.take_if(|outbox| outbox.is_empty()) {
            // An empty outbox has no bytes, and nothing of this link may reach the next one.
            outbox.forget();
            if outbox.is_small() {
                SPARE.set(Some(outbox));
            }
        }
    }

    /// Updates the gauge of waiting bytes of all links. Bytes that are sent before the next report
    /// are never counted.
    pub(crate) fn report(&mut self, gauge: &Gauge) {
        let waiting = self.len();
        if waiting != self.reported {
            #[expect(clippy::cast_precision_loss, reason = "it is exact up to 2^53")]
            gauge.increment(waiting as f64 - self.reported as f64);
            self.reported = waiting;
        }
    }

    /// Drops all packets and frees the memory.
    pub(crate) fn clear(&mut self, gauge: &Gauge) {
        self.outbox = None;
        self.report(gauge);
    }
}

impl Deref for PooledOutbox {
    type Target = Outbox;

    fn deref(&self) -> &Outbox {
        self.outbox.as_deref().unwrap_or(&EMPTY)
    }
}

impl DerefMut for PooledOutbox {
    /// Takes the spare outbox of the thread, if the link has none.
    fn deref_mut(&mut self) -> &mut Outbox {
        self.outbox.get_or_insert_with(|| {
            let mut outbox = SPARE.take().unwrap_or_default();
            // Another server of the process may have used it.
            outbox.format = self.format;
            outbox
        })
    }
}

impl Outbox {
    /// Returns `true` if the memory of each buffer is small enough to be kept for reuse.
    fn is_small(&self) -> bool {
        let queue = self.queue.capacity() * size_of::<Bytes>();
        let marks = self.marks.capacity() * size_of::<Mark>();
        self.tail.capacity().max(queue).max(marks) <= SPARE_LIMIT
    }
}

/// The outbox that a link shows while it has none.
static EMPTY: Outbox = Outbox {
    queue: VecDeque::new(),
    tail: Vec::new(),
    sent: 0,
    queued: 0,
    marks: VecDeque::new(),
    format: PacketFormat::Text,
    gone: 0,
};

thread_local! {
    /// Spare outbox of this thread, for the next link that sends.
    static SPARE: Cell<Option<Box<Outbox>>> = const { Cell::new(None) };
}

/// Maximum size, in bytes, of a buffer that is kept for reuse. The memory of an outbox with a larger
/// one is freed.
const SPARE_LIMIT: usize = 64 * 1024;
