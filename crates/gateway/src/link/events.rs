//! Runs the handlers of the sockets of a link.
//!
//! At most one event of a socket is being handled; the others wait in its inbox, in order. A handler
//! that is ready at once never leaves the stack.

use std::{
    collections::VecDeque,
    task::{Context, Poll},
    time::{Instant, SystemTime},
};

use doorward_core::{DisconnectReason, Exception, SocketId};
use doorward_protocol::{Event, SlotId};

use super::{Letter, LinkTask, Occupant, Transport};
use crate::{
    catch::{Panicked, catch, drop_quietly},
    handler::Invocation,
    namespace::{Admitted, Expiry, Socket},
    pipeline::{Answer, broken},
};

/// An admitted socket.
pub(super) struct Live {
    pub(super) slot: SlotId,
    pub(super) id: SocketId,
    pub(super) socket: Box<dyn Socket>,
    pub(super) running: Option<Running>,
    expiry: Option<Expiry>,
    inbox: VecDeque<Queued>,
}

/// A handler that is not done yet.
pub(super) struct Running {
    pub(super) invocation: Invocation,
    pub(super) deadline: Instant,
    event: Box<str>,
    ack: Option<u64>,
}

/// An event that waits for the one before it.
struct Queued {
    event: Box<str>,
    ack: Option<u64>,
    data: Box<str>,
}

impl Live {
    pub(super) fn new(slot: SlotId, id: SocketId, admitted: Admitted) -> Self {
        let Admitted { socket, expiry } = admitted;
        Self { slot, id, socket, running: None, expiry, inbox: VecDeque::new() }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let handler = self.running.as_ref().map(|running| running.deadline);
        [self.expiry.map(|expiry| expiry.at), handler].into_iter().flatten().min()
    }

    fn is_expired(&self, now: Instant, wall: SystemTime) -> bool {
        self.expiry.is_some_and(|expiry| expiry.is_over(now, wall))
    }

    fn is_runnable(&self) -> bool {
        self.running.is_none() && !self.inbox.is_empty()
    }
}

impl<S: Transport> LinkTask<S> {
    /// Takes an event: handles it now if its socket is idle, and otherwise in its turn.
    pub(super) fn event(&mut self, cx: &mut Context<'_>, event: &Event<'_>, now: Instant) {
        let wall = self.wall;
        let Some(live) = self.live(event.slot) else { return };
        if live.is_expired(now, wall) {
            return self.end_socket(event.slot, DisconnectReason::Expired, now);
        }
        if live.running.is_some() || !live.inbox.is_empty() {
            live.inbox.push_back(Queued {
                event: (&*event.name).into(),
                ack: event.id,
                data: event.data.into(),
            });
            return;
        }
        self.start_handler(cx, event.slot, event.id, &event.name, event.data, now);
    }

    pub(super) fn any_inbox_full(&self) -> bool {
        let limit = self.services.limits.inbox;
        self.all_live().any(|live| live.inbox.len() >= limit)
    }

    /// Whether an event waits that could be handled now.
    pub(super) fn has_runnable(&self) -> bool {
        !self.is_congested() && self.all_live().any(Live::is_runnable)
    }

    /// Goes on with the handlers that are not done, and with the events behind them.
    pub(super) fn poll_handlers(&mut self, cx: &mut Context<'_>, now: Instant) {
        for index in 0..self.occupants.len() {
            let Some(Some(Occupant::Live(live))) = self.occupants.get(index) else { continue };
            let (slot, wall) = (live.slot, self.wall);
            self.poll_handler(cx, slot, now);
            while self.closing.is_none()
                && !self.is_congested()
                && self.budget > 0
                && let Some(live) = self.live(slot)
                && live.is_runnable()
            {
                if live.is_expired(now, wall) {
                    self.end_socket(slot, DisconnectReason::Expired, now);
                    break;
                }
                let Some(Queued { event, ack, data }) = live.inbox.pop_front() else { break };
                if live.inbox.is_empty() {
                    live.inbox = VecDeque::new();
                }
                self.budget -= 1;
                self.start_handler(cx, slot, ack, &event, &data, now);
            }
        }
    }

    /// Ends what is over its time: sockets, and handlers.
    pub(super) fn expire(&mut self, now: Instant) {
        for index in 0..self.occupants.len() {
            let Some(Some(Occupant::Live(live))) = self.occupants.get_mut(index) else { continue };
            let slot = live.slot;
            if live.is_expired(now, self.wall) {
                self.end_socket(slot, DisconnectReason::Expired, now);
            } else if let Some(running) = live.running.take_if(|running| running.deadline <= now) {
                let Running { invocation, event, ack, .. } = running;
                drop_quietly(invocation);
                self.answer(slot, &event, ack, |answer| answer.exception(&Exception::timeout()));
            }
        }
    }

    fn start_handler(
        &mut self,
        cx: &mut Context<'_>,
        slot: SlotId,
        ack: Option<u64>,
        event: &str,
        data: &str,
        now: Instant,
    ) {
        let Some(live) = self.live(slot) else { return };
        match live.socket.start(event, data) {
            Ok(mut invocation) => {
                let polled = self.run(cx, slot, &mut invocation, event, ack, now);
                if polled.is_ready() {
                    drop_quietly(invocation);
                } else {
                    let deadline = now + self.services.limits.handler_timeout;
                    let running = Running { invocation, deadline, event: event.into(), ack };
                    self.keep_running(slot, running);
                }
            }
            Err(exception) => {
                self.answer(slot, event, ack, |answer| answer.exception(&exception));
            }
        }
    }

    fn poll_handler(&mut self, cx: &mut Context<'_>, slot: SlotId, now: Instant) {
        let Some(mut running) = self.live(slot).and_then(|live| live.running.take()) else {
            return;
        };
        let polled = self.run(cx, slot, &mut running.invocation, &running.event, running.ack, now);
        if polled.is_ready() {
            drop_quietly(running.invocation);
        } else {
            self.keep_running(slot, running);
        }
    }

    /// Puts a handler back that is not done; its socket may have ended while it ran.
    fn keep_running(&mut self, slot: SlotId, running: Running) {
        match self.live(slot) {
            Some(live) => live.running = Some(running),
            None => self.let_finish(running),
        }
    }

    /// Polls a handler once. Its answer stands behind everything it has emitted before.
    fn run(
        &mut self,
        cx: &mut Context<'_>,
        slot: SlotId,
        invocation: &mut Invocation,
        event: &str,
        ack: Option<u64>,
        now: Instant,
    ) -> Poll<()> {
        let start = self.outbox.tail().len();
        let mut polled = Poll::Ready(());
        self.answer(slot, event, ack, |answer| {
            let caught: Result<Poll<()>, Panicked> = catch(|| invocation.poll(cx, answer));
            match caught {
                Ok(poll) => polled = poll,
                Err(panicked) => {
                    answer.out.truncate(start);
                    answer.exception(&broken(event, panicked));
                }
            }
        });
        if self.handle.has_letters() {
            let answered = self.outbox.tail().split_off(start);
            self.read_letters(now);
            if self.closing.is_none() && self.live(slot).is_some() {
                self.outbox.tail().extend_from_slice(&answered);
            }
        }
        polled
    }

    /// Lends out the place where the answer to an event is written.
    fn answer(
        &mut self,
        slot: SlotId,
        event: &str,
        ack: Option<u64>,
        write: impl FnOnce(&mut Answer<'_>),
    ) {
        write(&mut Answer {
            out: self.outbox.tail(),
            namespace: self.link.namespace(slot),
            event,
            ack,
            entropy: &*self.services.entropy,
        });
    }

    /// Does what others have asked for.
    pub(super) fn read_letters(&mut self, now: Instant) {
        if !self.handle.has_letters() {
            return;
        }
        for letter in self.handle.take() {
            if self.closing.is_some() {
                return;
            }
            match letter {
                Letter::Emit { socket, frame } => {
                    let limit = self.services.limits.outbox;
                    let found = self.occupants.iter_mut().flatten().find(|other| other.is(socket));
                    let fits = match found {
                        Some(Occupant::Deciding(deciding)) => deciding.keep(frame, limit),
                        Some(Occupant::Live(_)) => {
                            self.outbox.push(&frame);
                            true
                        }
                        None => true,
                    };
                    if !fits {
                        self.end_link(DisconnectReason::SlowConsumer, now);
                    }
                }
                Letter::End { socket, reason } => {
                    match self.occupants.iter_mut().flatten().find(|other| other.is(socket)) {
                        Some(Occupant::Live(live)) => {
                            let slot = live.slot;
                            self.end_socket(slot, reason, now);
                        }
                        // It is ended as soon as there is something to end.
                        Some(Occupant::Deciding(deciding)) => deciding.ended = Some(reason),
                        None => {}
                    }
                }
                Letter::EndLink { reason } => self.end_link(reason, now),
            }
        }
    }

    pub(super) fn live(&mut self, slot: SlotId) -> Option<&mut Live> {
        match self.occupants.get_mut(slot.index()) {
            Some(Some(Occupant::Live(live))) => Some(live),
            _ => None,
        }
    }

    pub(super) fn all_live(&self) -> impl Iterator<Item = &Live> {
        self.occupants.iter().filter_map(|occupant| match occupant {
            Some(Occupant::Live(live)) => Some(&**live),
            _ => None,
        })
    }
}

impl Occupant {
    fn is(&self, socket: SocketId) -> bool {
        match self {
            Self::Deciding(deciding) => deciding.socket == socket,
            Self::Live(live) => live.id == socket,
        }
    }
}
