//! Runs the handlers of the sockets of a link.
//!
//! Each socket handles as many events concurrently as its namespace allows, which is one by
//! default. Further events wait in the inbox of the socket, in the order in which they arrived. A
//! handler that completes in its first poll is never stored. A stream that a handler has returned
//! runs concurrently with the events after it.

use std::{
    collections::VecDeque,
    task::Poll,
    time::{Duration, Instant},
};

use doorward_core::{DisconnectReason, Exception, wire::Refreshed};
use doorward_protocol::{Event, SlotId};

use crate::{
    event::{
        answer::Answer,
        failure::{Explained, Failure},
        incoming::Incoming,
        invocation::Invocation,
        trace::Trace,
    },
    link::{
        live::{Queued, Running},
        state::LinkState,
        turn::Turn,
    },
    runtime::{
        catch::{catch, drop_quietly},
        metrics::Metrics,
    },
};

impl LinkState {
    /// Handles an event at once if its socket may start another handler, and queues it otherwise.
    /// An event that refreshes the credential of the socket never waits in the queue.
    pub(super) fn event(&mut self, event: Event<'_>, turn: &Turn<'_>) {
        let wall = turn.wall;
        self.check_life(event.slot, turn);
        let Some(live) = self.sockets.live(event.slot) else { return };
        if live.is_alive(turn.now, wall) {
            live.lifetime.touch(wall);
        }
        if event.name == Refreshed::EVENT && live.socket.has_credential() {
            return self.refresh(&event, turn);
        }
        let Some(live) = self.sockets.live(event.slot) else { return };
        let Event { slot, id: ack, name, data, attachments } = event;
        if !live.is_free() || live.waiting().0 > 0 {
            live.queue(Queued { event: name.into(), ack, data: data.into(), attachments });
            return;
        }
        let incoming = Incoming { event: &name, data: &data, attachments, ack, id: None };
        self.start_handler(slot, incoming, turn);
    }

    /// Polls the running handlers, and starts queued events as far as the limits allow.
    pub(super) fn poll_handlers(&mut self, turn: &mut Turn<'_>) {
        for index in 0..self.sockets.len() {
            let Some(live) = self.sockets.live_at(index) else { continue };
            let (slot, wall) = (live.slot, turn.wall);
            self.poll_running(slot, turn);
            while self.closing.is_none()
                && !self.is_congested()
                && turn.budget > 0
                && let Some(live) = self.sockets.live(slot)
                && live.is_ready()
            {
                if !live.is_alive(turn.now, wall) {
                    self.check_life(slot, turn);
                    break;
                }
                let Some(queued) = live.next() else { break };
                turn.budget -= 1;
                let Queued { event, ack, data, attachments } = queued;
                let incoming = Incoming { event: &event, data: &data, attachments, ack, id: None };
                self.start_handler(slot, incoming, turn);
            }
        }
    }

    /// Ends sockets that have expired and handlers that have timed out.
    pub(super) fn expire(&mut self, turn: &Turn<'_>) {
        for index in 0..self.sockets.len() {
            let Some(live) = self.sockets.live_at(index) else { continue };
            let slot = live.slot;
            self.check_life(slot, turn);
            let Some(live) = self.sockets.live(slot) else { continue };
            let is_over = |running: &mut Running| {
                running.deadline.is_some_and(|deadline| deadline <= turn.now)
            };
            let over: Vec<_> = live.running.extract_if(.., is_over).collect();
            for Running { invocation, event, ack, trace, .. } in over {
                let is_answered = invocation.is_answered();
                trace.run(|| drop_quietly(invocation));
                if !is_answered {
                    let asked = Asked { slot, event: &event, ack, trace: &trace };
                    self.failed(asked, Exception::timeout().into(), turn);
                }
            }
        }
    }

    fn start_handler(&mut self, slot: SlotId, incoming: Incoming<'_>, turn: &Turn<'_>) {
        // The process may have been stopped in the middle of a turn.
        self.check_term(turn);
        let Some(live) = self.sockets.live(slot) else { return };
        let (event, ack) = (incoming.event, incoming.ack);
        let trace = live.socket.trace(event);
        let asked = Asked { slot, event, ack, trace: &trace };
        let incoming = Incoming { id: trace.id_in_span(), ..incoming };
        let started = trace.run(|| live.socket.start(incoming));
        self.services.metrics.events.increment(1);
        match started {
            Ok(mut invocation) => match self.run(&mut invocation, asked, turn) {
                Polled::Pending { is_blocked } => {
                    let deadline = Some(turn.now + self.services.limits.handler_timeout);
                    let (event, started_at) = (event.into(), turn.now);
                    let running =
                        Running { invocation, started_at, deadline, is_blocked, event, ack, trace };
                    return self.keep_running(slot, running, 0, turn);
                }
                Polled::Unheard => self.let_finish(invocation, trace),
                Polled::Done => trace.run(|| drop_quietly(invocation)),
            },
            Err(failure) => self.failed(asked, failure, turn),
        }
        self.was_answered(ack, turn.now);
    }

    /// Records in the metrics how long the event took, if the client asked for an ack.
    fn was_answered(&self, ack: Option<u64>, since: Instant) {
        if ack.is_some() {
            let now = self.services.clock.now();
            self.services.metrics.ack.record(now.saturating_duration_since(since));
        }
    }

    fn poll_running(&mut self, slot: SlotId, turn: &Turn<'_>) {
        let Some(live) = self.sockets.live(slot) else { return };
        // The handlers are taken out of the list and polled one by one, because each may end the
        // socket.
        let mut waiting: VecDeque<_> = std::mem::take(&mut live.running).into();
        while let Some(mut running) = waiting.pop_front() {
            self.check_term(turn);
            if !self.sockets.is_live(slot) {
                self.let_finish(running.invocation, running.trace);
                continue;
            }
            let Running { invocation, event, ack, started_at, trace, .. } = &mut running;
            let (ack, started_at) = (*ack, *started_at);
            let asked = Asked { slot, event, ack, trace };
            match self.run(invocation, asked, turn) {
                Polled::Pending { is_blocked } => {
                    running.is_blocked = is_blocked;
                    let streams = waiting.iter().filter(|other| other.invocation.is_streaming());
                    self.keep_running(slot, running, streams.count(), turn);
                    continue;
                }
                Polled::Unheard => self.let_finish(running.invocation, running.trace),
                Polled::Done => running.trace.run(|| drop_quietly(running.invocation)),
            }
            self.was_answered(ack, started_at);
        }
    }

    /// Stores a handler that is not done, unless its socket has ended meanwhile. A new stream
    /// beyond `Limits::max_streams` is dropped, and its event fails. `others` is the number of
    /// streams of the socket that are not in the list of its running handlers at the moment.
    fn keep_running(&mut self, slot: SlotId, mut running: Running, others: usize, turn: &Turn<'_>) {
        let limit = self.services.limits.max_streams;
        let Some(live) = self.sockets.live(slot) else {
            return self.let_finish(running.invocation, running.trace);
        };
        if running.invocation.is_streaming() && running.deadline.take().is_some() {
            // The handler has just returned a stream.
            if live.streams() + others >= limit {
                let Running { invocation, event, ack, trace, .. } = running;
                trace.run(|| drop_quietly(invocation));
                Metrics::hit("max_streams");
                let failure = Exception::rate_limited(STREAMS_AGAIN_AFTER).into();
                let asked = Asked { slot, event: &event, ack, trace: &trace };
                return self.failed(asked, failure, turn);
            }
        }
        live.running.push(running);
    }

    /// Polls a handler once. Its answer is queued after all packets that the handler has emitted.
    fn run(&mut self, invocation: &mut Invocation, asked: Asked<'_>, turn: &Turn<'_>) -> Polled {
        let slot = asked.slot;
        let start = self.outbox.position();
        let (mut polled, mut is_blocked, mut is_broken) = (Poll::Pending, false, false);
        self.answer(asked, |answer| {
            let run = || invocation.as_mut().run(&mut turn.cx(), answer);
            polled = asked.trace.run(|| catch(run)).unwrap_or_else(|panicked| {
                is_broken = true;
                Poll::Ready(Err(panicked.into()))
            });
            is_blocked = answer.is_blocked;
            if let Poll::Ready(Err(_)) = polled
                && !invocation.is_streaming()
                && !invocation.is_answered()
            {
                answer.out.truncate(start);
            }
        });
        // Packets that the handler has emitted are still in the mailbox, but its answer is already
        // in the outbox. The answer is taken out, the mailbox is read, and the answer is queued
        // again.
        let mut forbidden = false;
        if self.handle.has_letters() {
            let answered = self.outbox.withhold(start);
            forbidden = self.read_letters_of(slot, turn);
            if self.closing.is_none() && self.sockets.is_live(slot) {
                self.outbox.resume(&answered);
            }
        }
        let polled = match polled {
            Poll::Pending => Polled::Pending { is_blocked },
            Poll::Ready(Ok(())) => Polled::Done,
            Poll::Ready(Err(failure)) => {
                if !invocation.is_answered() {
                    self.failed(asked, failure, turn);
                }
                if is_broken || invocation.is_done() { Polled::Done } else { Polled::Unheard }
            }
        };
        if forbidden {
            self.end_socket(slot, DisconnectReason::Forbidden, turn);
        }
        polled
    }

    /// Runs the exception filters for a failed event and sends its answer. Ends the socket if the
    /// failure requires it.
    fn failed(&mut self, asked: Asked<'_>, failure: Failure, turn: &Turn<'_>) {
        let slot = asked.slot;
        let Some(live) = self.sockets.live(slot) else { return };
        let Explained { exception, instead, id, close } =
            live.socket.explain(asked.event, failure, asked.trace);
        // Packets that an exception filter has emitted are sent before the answer.
        let forbidden = self.handle.has_letters() && self.read_letters_of(slot, turn);
        if self.closing.is_some() || !self.sockets.is_live(slot) {
            return;
        }
        self.answer(asked, |answer| match &instead {
            Some((name, data)) if answer.instead(name, data).is_ok() => {
                if answer.ack.is_some() {
                    answer.exception(&exception, id);
                }
            }
            _ => answer.exception(&exception, id),
        });
        if close || forbidden {
            self.end_socket(slot, DisconnectReason::Forbidden, turn);
        }
    }

    /// Calls `write` with the writer of an event's answer, unless the socket has ended.
    fn answer(&mut self, asked: Asked<'_>, write: impl FnOnce(&mut Answer<'_>)) {
        let Asked { slot, event, ack, .. } = asked;
        let Some(live) = self.sockets.live(slot) else { return };
        let (owner, room) = (Some(live.owner), self.congestion_limit());
        let namespace = self.protocol.namespace(slot);
        let out = &mut self.outbox;
        write(&mut Answer { out, owner, namespace, event, ack, room, is_blocked: false });
    }
}

/// The event that is being handled, with the values that its answer needs.
#[derive(Clone, Copy)]
struct Asked<'a> {
    slot: SlotId,
    event: &'a str,
    ack: Option<u64>,
    trace: &'a Trace,
}

/// Result of polling a handler once.
enum Polled {
    /// The handler is not done. With `is_blocked`, its stream waits until the client has read more.
    Pending { is_blocked: bool },
    /// The handler is done.
    Done,
    /// The event is answered, but its handler is not done. Further output of the handler is
    /// dropped.
    Unheard,
}

/// Time for which a client with too many streams is told to wait before it tries again.
const STREAMS_AGAIN_AFTER: Duration = Duration::from_secs(1);
