//! An admitted socket on its link: what runs for it, and what waits.

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
        questions::Questions,
        seam::{Admitted, Socket},
    },
    presence::access::{Life, Lifetime},
    transport::outbox::Owner,
};

/// An admitted socket.
pub(super) struct Live {
    pub(super) slot: SlotId,
    pub(super) id: SocketId,
    /// Its name in the outbox.
    pub(super) owner: Owner,
    pub(super) socket: Box<dyn Socket>,
    pub(super) running: Vec<Running>,
    inbox: VecDeque<Queued>,
    /// Bytes in the inbox.
    inbox_bytes: usize,
    pub(super) lifetime: Lifetime,
    pub(super) questions: Questions,
    concurrency: usize,
}

/// A handler that is not done yet, or a stream that goes on behind one.
pub(super) struct Running {
    pub(super) invocation: Invocation,
    pub(super) started_at: Instant,
    /// Until when; a stream goes on as long as its socket.
    pub(super) deadline: Option<Instant>,
    /// It has more to say and waits until the client has read some of it.
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
            questions: Questions::default(),
            concurrency,
        }
    }

    /// How many events wait, and how many bytes they have.
    pub(super) fn waiting(&self) -> (usize, usize) {
        (self.inbox.len(), self.inbox_bytes)
    }

    pub(super) fn queue(&mut self, event: Queued) {
        self.inbox_bytes += event.bytes();
        self.inbox.push_back(event);
    }

    /// Takes the event whose turn it is.
    pub(super) fn next(&mut self) -> Option<Queued> {
        let event = self.inbox.pop_front()?;
        self.inbox_bytes -= event.bytes();
        if self.inbox.is_empty() {
            self.inbox = VecDeque::new();
        }
        Some(event)
    }

    pub(super) fn deadline(&self, now: Instant, wall: SystemTime) -> Option<Instant> {
        let handlers = self.running.iter().filter_map(|running| running.deadline);
        let asked = self.questions.deadline();
        // While it is being asked after, the end that has come is no reason to look again.
        let end = if self.questions.is_in_doubt() {
            None
        } else if self.is_to_be_warned() {
            self.lifetime.warn_at(now, wall)
        } else {
            self.lifetime.deadline(now, wall)
        };
        handlers.chain(asked).chain(end).min()
    }

    /// Whether the client was not told yet when it ends.
    pub(super) fn is_to_be_warned(&self) -> bool {
        let end = self.lifetime.expires_at();
        end.is_some() && end != self.questions.told_of
    }

    /// Whether it may go on; what the client does prolongs its session.
    pub(super) fn is_alive(&self, now: Instant, wall: SystemTime) -> bool {
        self.lifetime.state(now, wall) == Life::Lives
    }

    /// Whether one more event may be handled.
    ///
    /// While guards are being asked about one nothing behind it starts, so that events begin in the
    /// order in which they were sent.
    pub(super) fn is_free(&self) -> bool {
        !self.questions.is_in_doubt()
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

    /// Whether an event is there that may be handled now.
    pub(super) fn is_ready(&self) -> bool {
        !self.inbox.is_empty() && self.is_free()
    }

    /// Whether there is something to do that waits for nobody but the client's reading.
    pub(super) fn is_runnable(&self) -> bool {
        self.is_ready() || self.running.iter().any(|running| running.is_blocked)
    }
}
