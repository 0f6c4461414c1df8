//! An admitted socket on its link, with its running handlers and its inbox.

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
    /// Owner of the socket's packets in the outbox. The outbox finds the packets of the socket by
    /// this value, and drops them when the socket is cut.
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

/// A running handler, or the stream that it has returned.
pub(super) struct Running {
    pub(super) invocation: Invocation,
    pub(super) started_at: Instant,
    /// Time at which the handler times out. `None` for a stream, which may run as long as its
    /// socket.
    pub(super) deadline: Option<Instant>,
    /// `true` if the stream has more items, and waits until the client has read some packets.
    pub(super) is_blocked: bool,
    pub(super) event: Box<str>,
    pub(super) ack: Option<u64>,
    pub(super) trace: Trace,
}

/// An event that waits in the inbox of its socket.
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
        let Admitted { socket, lifetime, concurrency, is_recorded: _, term: _ } = admitted;
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

    /// Returns the number of events in the inbox, and their total size in bytes.
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

    /// Returns the earliest deadline of the handlers, the renewals, the warning and the expiry of
    /// the socket. Returns `None` if there is no deadline.
    pub(super) fn deadline(&self, now: Instant, wall: SystemTime) -> Option<Instant> {
        let handlers = self.running.iter().filter_map(|running| running.deadline);
        let renewals = self.renewals.deadline();
        // During a renewal the expiry has already passed. As a deadline it would wake the task all
        // the time.
        let end = if self.renewals.is_in_doubt() {
            None
        } else if self.is_to_be_warned() {
            self.lifetime.warn_at(now, wall)
        } else {
            self.lifetime.deadline(now, wall)
        };
        handlers.chain(renewals).chain(end).min()
    }

    /// Returns `true` if the client was not yet warned of the current expiry of the socket.
    pub(super) fn is_to_be_warned(&self) -> bool {
        let end = self.lifetime.expires_at();
        end.is_some() && end != self.renewals.warned_of
    }

    /// Returns `true` if the socket has not expired. Only then may activity of its client extend
    /// the session.
    pub(super) fn is_alive(&self, now: Instant, wall: SystemTime) -> bool {
        self.lifetime.state(now, wall) == Life::Lives
    }

    /// Returns `true` if another event may be handled now.
    ///
    /// While the session of the socket is renewed, no event starts. While guards check an event, no
    /// later event starts, so that handlers begin in the order in which the events were sent.
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

    /// Returns `true` if the inbox has an event that may be handled now.
    pub(super) fn is_ready(&self) -> bool {
        !self.inbox.is_empty() && self.is_free()
    }

    /// Returns `true` if a queued event or a blocked stream waits only for room in the outbox.
    pub(super) fn is_runnable(&self) -> bool {
        self.is_ready() || self.running.iter().any(|running| running.is_blocked)
    }
}
