//! Runs the handlers of the sockets of a link.
//!
//! As many events of a socket as its namespace allows, one by default, are being handled; the
//! others wait in its inbox, in order. A handler that is ready at once never leaves the stack; a
//! stream that a handler has returned goes on beside the events behind it.

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
    /// Takes an event: handles it now if its socket is idle, and otherwise in its turn.
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
        let incoming = Incoming { event: &name, data: &data, attachments, asked: ack.is_some() };
        self.start_handler(slot, ack, incoming, turn);
    }

    /// Goes on with the handlers that are not done, and with the events behind them.
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
                let asked = ack.is_some();
                let incoming = Incoming { event: &event, data: &data, attachments, asked };
                self.start_handler(slot, ack, incoming, turn);
            }
        }
    }

    /// Ends what is over its time: sockets, and handlers.
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

    fn start_handler(
        &mut self,
        slot: SlotId,
        ack: Option<u64>,
        incoming: Incoming<'_>,
        turn: &Turn<'_>,
    ) {
        let Some(live) = self.sockets.live(slot) else { return };
        let event = incoming.event;
        let trace = live.socket.trace(event);
        let asked = Asked { slot, event, ack, trace: &trace };
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

    /// Writes down how long the client has waited for its answer.
    fn was_answered(&self, ack: Option<u64>, since: Instant) {
        if ack.is_some() {
            let now = self.services.clock.now();
            self.services.metrics.answered(now.saturating_duration_since(since));
        }
    }

    fn poll_running(&mut self, slot: SlotId, turn: &Turn<'_>) {
        let Some(live) = self.sockets.live(slot) else { return };
        // They leave their place one after the other, because each may end the socket.
        let mut waiting: VecDeque<_> = std::mem::take(&mut live.running).into();
        while let Some(mut running) = waiting.pop_front() {
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

    /// Puts a handler back that is not done; its socket may have ended while it ran. `others` are
    /// the streams of the socket that are not in their places.
    fn keep_running(&mut self, slot: SlotId, mut running: Running, others: usize, turn: &Turn<'_>) {
        let limit = self.services.limits.max_streams;
        let Some(live) = self.sockets.live(slot) else {
            return self.let_finish(running.invocation, running.trace);
        };
        if running.invocation.is_streaming() && running.deadline.take().is_some() {
            // It has just become one.
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

    /// Polls a handler once. Its answer stands behind everything it has emitted before.
    fn run(&mut self, invocation: &mut Invocation, asked: Asked<'_>, turn: &Turn<'_>) -> Polled {
        let slot = asked.slot;
        let start = self.outbox.position();
        let (mut polled, mut is_blocked, mut is_broken) = (Poll::Pending, false, false);
        self.answer(asked, |answer| {
            let caught = asked.trace.run(|| catch(|| invocation.poll(&mut turn.cx(), answer)));
            polled = caught.unwrap_or_else(|panicked| {
                is_broken = true;
                Poll::Ready(Err(panicked.into()))
            });
            is_blocked = answer.is_blocked;
            if let Poll::Ready(Err(_)) = polled
                && !invocation.is_streaming()
            {
                answer.out.truncate(start);
            }
        });
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

    /// Answers with what went wrong, and ends the socket if that was the end of it.
    fn failed(&mut self, asked: Asked<'_>, failure: Failure, turn: &Turn<'_>) {
        let slot = asked.slot;
        let Some(live) = self.sockets.live(slot) else { return };
        let Explained { exception, instead, id, close } =
            live.socket.explain(asked.event, failure, asked.trace);
        // What an exception filter has emitted comes before the answer.
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

    /// Lends out the place where the answer to an event is written.
    fn answer(&mut self, asked: Asked<'_>, write: impl FnOnce(&mut Answer<'_>)) {
        let Asked { slot, event, ack, .. } = asked;
        let Some(live) = self.sockets.live(slot) else { return };
        let (owner, room) = (Some(live.owner), self.congestion_limit());
        let namespace = self.protocol.namespace(slot);
        let out = &mut self.outbox;
        write(&mut Answer { out, owner, namespace, event, ack, room, is_blocked: false });
    }
}

/// The event that is being handled, and what its answer needs.
#[derive(Clone, Copy)]
struct Asked<'a> {
    slot: SlotId,
    event: &'a str,
    ack: Option<u64>,
    trace: &'a Trace,
}

/// What a handler has come to in one poll.
enum Polled {
    /// It goes on, and waits for the client to read or for something else.
    Pending { is_blocked: bool },
    /// There is nothing left of it.
    Done,
    /// It is answered, and what is left of it is heard by nobody.
    Unheard,
}

/// What a client is told that has as many streams as it may.
const STREAMS_AGAIN_AFTER: Duration = Duration::from_secs(1);
