//! An admitted socket on its link: its running handlers and its inbox.

use std::{
    collections::VecDeque,
    time::{Instant, SystemTime},
};

use bytes::Bytes;
use doorward_core::SocketId;
use doorward_protocol::SlotId;

use crate::{
    event::{invocation::Invocation, trace::Trace},
    link::{
        renewals::Renewals,
        seam::{Admitted, AnySocket},
    },
    presence::expiry::{Life, Lifetime},
    transport::outbox::Owner,
};

/// An admitted socket.
pub(super) struct Live {
    pub(super) slot: SlotId,
    pub(super) id: SocketId,
    /// Marks its packets in the outbox.
    pub(super) owner: Owner,
    pub(super) socket: Box<dyn AnySocket>,
    pub(super) running: Vec<Running>,
    inbox: VecDeque<Queued>,
    /// Number of bytes in the inbox.
    inbox_bytes: usize,
    pub(super) lifetime: Lifetime,
    pub(super) renewals: Renewals,
    concurrency: usize,
}

/// A handler that is not done, or a stream that it has returned.
pub(super) struct Running {
    pub(super) invocation: Invocation,
    pub(super) started_at: Instant,
    /// Time at which it times out; `None` for a stream, which may run as long as its socket.
    pub(super) deadline: Option<Instant>,
    /// `true` if it has more to send and waits until the client has read some of it.
    pub(super) is_blocked: bool,
    pub(super) event: Box<str>,
    pub(super) ack: Option<u64>,
    pub(super) trace: Trace,
}

/// An event that waits for those before it.
pub(super) struct Queued {
    pub(super) event: Box<str>,
    pub(super) ack: Option<u64>,
    pub(super) data: Box<str>,
    pub(super) attachments: Vec<Bytes>,
}

impl Queued {
    fn bytes(&self) -> usize {
        let attachments: usize = self.attachments.iter().map(Bytes::len).sum();
        self.event.len() + self.data.len() + attachments
    }
}

impl Live {
    pub(super) fn new(slot: SlotId, id: SocketId, owner: Owner, admitted: Admitted) -> Self {
        let Admitted { socket, lifetime, concurrency, is_recorded: _ } = admitted;
        Self {
            slot,
            id,
            owner,
            socket,
            running: Vec::new(),
            inbox: VecDeque::new(),
            inbox_bytes: 0,
            lifetime,
            renewals: Renewals::default(),
            concurrency,
        }
    }

    /// Returns the number of events in the inbox, and of their bytes.
    pub(super) fn waiting(&self) -> (usize, usize) {
        (self.inbox.len(), self.inbox_bytes)
    }

    pub(super) fn queue(&mut self, event: Queued) {
        self.inbox_bytes += event.bytes();
        self.inbox.push_back(event);
    }

    /// Takes the next event from the inbox.
    pub(super) fn next(&mut self) -> Option<Queued> {
        let event = self.inbox.pop_front()?;
        self.inbox_bytes -= event.bytes();
        // An idle socket keeps no memory for its inbox.
        if self.inbox.is_empty() {
            self.inbox = VecDeque::new();
        }
        Some(event)
    }

    /// Returns the earliest time at which something of the socket is due.
    pub(super) fn deadline(&self, now: Instant, wall: SystemTime) -> Option<Instant> {
        let handlers = self.running.iter().filter_map(|running| running.deadline);
        let renewals = self.renewals.deadline();
        // During a renewal the expiry has already passed, and would wake the task all the time.
        let end = if self.renewals.is_in_doubt() {
            None
        } else if self.is_to_be_warned() {
            self.lifetime.warn_at(now, wall)
        } else {
            self.lifetime.deadline(now, wall)
        };
        handlers.chain(renewals).chain(end).min()
    }

    /// Returns `true` if the client was not warned of its current expiry yet.
    pub(super) fn is_to_be_warned(&self) -> bool {
        let end = self.lifetime.expires_at();
        end.is_some() && end != self.renewals.warned_of
    }

    /// Returns `true` if it has not expired, so that activity of its client may prolong the
    /// session.
    pub(super) fn is_alive(&self, now: Instant, wall: SystemTime) -> bool {
        self.lifetime.state(now, wall) == Life::Lives
    }

    /// Returns `true` if one more event may be handled.
    ///
    /// While guards check an event, no later one starts, so that handlers begin in the order in
    /// which the events were sent.
    pub(super) fn is_free(&self) -> bool {
        !self.renewals.is_in_doubt()
            && (self.running.is_empty()
                || (self.handling() < self.concurrency
                    && self.running.iter().all(|running| running.invocation.has_begun())))
    }

    fn handling(&self) -> usize {
        self.running.iter().filter(|running| !running.invocation.is_streaming()).count()
    }

    pub(super) fn streams(&self) -> usize {
        self.running.len() - self.handling()
    }

    /// Returns `true` if an event waits that may be handled now.
    pub(super) fn is_ready(&self) -> bool {
        !self.inbox.is_empty() && self.is_free()
    }

    /// Returns `true` if there is work that waits for nothing but room in the outbox.
    pub(super) fn is_runnable(&self) -> bool {
        self.is_ready() || self.running.iter().any(|running| running.is_blocked)
    }
}
