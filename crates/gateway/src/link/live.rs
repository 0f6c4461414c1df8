//! An admitted socket on its link: what runs for it, and what waits.

use std::{
    collections::VecDeque,
    time::{Instant, SystemTime},
};

use bytes::Bytes;
use doorward_core::SocketId;
use doorward_protocol::SlotId;

use crate::{
    namespace::{Admitted, Expiry, Socket},
    pipeline::Invocation,
};

/// An admitted socket.
pub(super) struct Live {
    pub(super) slot: SlotId,
    pub(super) id: SocketId,
    pub(super) socket: Box<dyn Socket>,
    pub(super) running: Vec<Running>,
    pub(super) inbox: VecDeque<Queued>,
    expiry: Option<Expiry>,
    concurrency: usize,
}

/// A handler that is not done yet, or a stream that goes on behind one.
pub(super) struct Running {
    pub(super) invocation: Invocation,
    /// Until when; a stream goes on as long as its socket.
    pub(super) deadline: Option<Instant>,
    /// It has more to say and waits until the client has read some of it.
    pub(super) is_blocked: bool,
    pub(super) event: Box<str>,
    pub(super) ack: Option<u64>,
}

/// An event that waits for those before it.
pub(super) struct Queued {
    pub(super) event: Box<str>,
    pub(super) ack: Option<u64>,
    pub(super) data: Box<str>,
    pub(super) attachments: Vec<Bytes>,
}

impl Live {
    pub(super) fn new(slot: SlotId, id: SocketId, admitted: Admitted) -> Self {
        let Admitted { socket, expiry, concurrency } = admitted;
        let (running, inbox) = (Vec::new(), VecDeque::new());
        Self { slot, id, socket, running, expiry, inbox, concurrency }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let handlers = self.running.iter().filter_map(|running| running.deadline);
        handlers.chain(self.expiry.map(|expiry| expiry.at)).min()
    }

    pub(super) fn is_expired(&self, now: Instant, wall: SystemTime) -> bool {
        self.expiry.is_some_and(|expiry| expiry.is_over(now, wall))
    }

    /// Whether one more event may be handled.
    pub(super) fn is_free(&self) -> bool {
        self.running.len() < self.concurrency || self.handling() < self.concurrency
    }

    fn handling(&self) -> usize {
        self.running.iter().filter(|running| !running.invocation.is_streaming()).count()
    }

    pub(super) fn streams(&self) -> usize {
        self.running.len() - self.handling()
    }

    /// Whether there is something to do that waits for nobody but the client's reading.
    pub(super) fn is_runnable(&self) -> bool {
        (!self.inbox.is_empty() && self.is_free())
            || self.running.iter().any(|running| running.is_blocked)
    }
}
