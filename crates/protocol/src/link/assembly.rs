//! Assembles a binary packet from its head and its attachments.
//!
//! The head is checked like any packet before it is kept. If the packet has no recipient, it is not
//! kept. Its attachments are still counted, because the client sends them anyway. The module
//! `attachments` limits the number of attachments and sets their deadline.

use std::time::Instant;

use bytes::Bytes;

use super::{Ack, Event, Received, SlotId, Violation};

#[derive(Debug)]
pub(super) struct Assembly {
    /// Event or ack to return when the packet is complete.
    received: Received<'static>,
    /// Number of attachments that have not arrived yet.
    missing: usize,
    /// Size of the head and of the attachments received so far, in bytes.
    size: usize,
    /// Deadline for the last attachment.
    by: Instant,
    /// Time at which the driver stopped reading. `None` while it reads.
    paused: Option<Instant>,
}

impl Assembly {
    /// Starts with the packet `received`, which was parsed from a head of `size` bytes. Its
    /// `missing` attachments must arrive before `by`.
    pub(super) fn new(received: Received<'_>, missing: usize, size: usize, by: Instant) -> Self {
        let received = match received {
            Received::Event(_) | Received::Ack(_) => {
                received.with_attachments(Vec::with_capacity(missing))
            }
            _ => Received::Nothing,
        };
        Self { received, missing, size, by, paused: None }
    }

    /// Adds one attachment. Fails if the head and the attachments together have more than `limit`
    /// bytes.
    pub(super) fn take(&mut self, bytes: &[u8], limit: usize) -> Result<(), Violation> {
        self.size = self.size.saturating_add(bytes.len());
        if self.size > limit {
            return Err(Violation::TooLarge);
        }
        if let Received::Event(Event { attachments, .. }) | Received::Ack(Ack { attachments, .. }) =
            &mut self.received
        {
            // `bytes` borrows from the read buffer of the transport, so it is copied.
            attachments.push(Bytes::copy_from_slice(bytes));
        }
        self.missing = self.missing.saturating_sub(1);
        Ok(())
    }

    pub(super) fn is_complete(&self) -> bool {
        self.missing == 0
    }

    pub(super) fn into_received(self) -> Received<'static> {
        self.received
    }

    /// Returns `true` if the packet is for the socket at `slot`.
    pub(super) fn is_for(&self, slot: SlotId) -> bool {
        match &self.received {
            Received::Event(event) => event.slot == slot,
            Received::Ack(ack) => ack.slot == slot,
            _ => false,
        }
    }

    /// Discards the packet. Its remaining attachments are still counted.
    pub(super) fn swallow(&mut self) {
        self.received = Received::Nothing;
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.paused.is_none().then_some(self.by)
    }

    pub(super) fn pause(&mut self, now: Instant) {
        self.paused.get_or_insert(now);
    }

    pub(super) fn resume(&mut self, now: Instant) {
        if let Some(since) = self.paused.take() {
            self.by += now.saturating_duration_since(since);
        }
    }
}
