//! A binary packet of which attachments are still to come.
//!
//! Its head was checked like any packet before it is kept. What nobody is there to hear any more
//! keeps nothing and only counts, because its attachments are on their way all the same.

use std::{borrow::Cow, time::Instant};

use bytes::Bytes;

use super::{Ack, Event, Received, SlotId, Violation};

#[derive(Debug)]
pub(super) struct Assembly {
    /// What is given out in the end.
    received: Received<'static>,
    missing: usize,
    /// Bytes of the head and of all that has followed.
    size: usize,
    /// When the last attachment must have come.
    by: Instant,
    /// Since when the driver does not read.
    paused: Option<Instant>,
}

impl Assembly {
    /// Keeps what a head of `size` bytes has become.
    pub(super) fn new(received: Received<'_>, missing: usize, size: usize, by: Instant) -> Self {
        let received = match received {
            Received::Event(event) => Received::Event(own_event(event, missing)),
            Received::Ack(ack) => Received::Ack(own_ack(ack, missing)),
            _ => Received::Nothing,
        };
        Self { received, missing, size, by, paused: None }
    }

    /// Takes one attachment; head and attachments have at most `limit` bytes.
    pub(super) fn take(&mut self, bytes: &[u8], limit: usize) -> Result<(), Violation> {
        self.size = self.size.saturating_add(bytes.len());
        if self.size > limit {
            return Err(Violation::TooLarge);
        }
        if let Received::Event(Event { attachments, .. }) | Received::Ack(Ack { attachments, .. }) =
            &mut self.received
        {
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

    /// Whether it is for the socket at `slot`.
    pub(super) fn is_for(&self, slot: SlotId) -> bool {
        match &self.received {
            Received::Event(event) => event.slot == slot,
            Received::Ack(ack) => ack.slot == slot,
            _ => false,
        }
    }

    /// Goes on waiting, but gives nothing out.
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

fn own_event(event: Event<'_>, attachments: usize) -> Event<'static> {
    Event {
        slot: event.slot,
        id: event.id,
        name: Cow::Owned(event.name.into_owned()),
        data: Cow::Owned(event.data.into_owned()),
        attachments: Vec::with_capacity(attachments),
    }
}

fn own_ack(ack: Ack<'_>, attachments: usize) -> Ack<'static> {
    Ack {
        slot: ack.slot,
        id: ack.id,
        data: Cow::Owned(ack.data.into_owned()),
        attachments: Vec::with_capacity(attachments),
    }
}
