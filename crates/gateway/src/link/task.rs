//! Task of one link, which reads its wire, runs the work of its sockets, and sends their packets.
//!
//! All work that a client causes runs inside [`LinkTask::poll`]. It runs in the order in which the
//! messages of the client arrived. The task polls admissions and handlers itself and does not spawn
//! them. The rules of the protocol are in [`doorward_protocol::Link`]. Start reading at
//! [`LinkTask::drive`].

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use doorward_core::DisconnectReason;

use crate::{
    link::{
        receiving::Receiving,
        state::{LinkState, Opening},
        turn::Turn,
    },
    runtime::timers::Timer,
    transport::wire::{ReadEnd, Wire},
};

/// The task of one link.
pub(crate) struct LinkTask<W> {
    /// Connection of the link. It is dropped before the state, so that the file descriptor is
    /// closed before the state makes room for another connection.
    wire: W,
    state: LinkState,
    timer: Timer,
}

impl<W: Wire> LinkTask<W> {
    /// Opens a link on a wire.
    pub(crate) fn new(wire: W, opening: Opening) -> Self {
        let timer = Timer::new(Arc::clone(&opening.services.timers));
        Self { wire, state: LinkState::open(opening), timer }
    }

    /// Runs the work of the link until nothing more can progress, or until the budget of this turn
    /// is used up. Returns `Ready` when the link has ended.
    fn drive(&mut self, turn: &mut Turn<'_>) -> Poll<()> {
        let mut passes = PASSES_PER_TURN;
        self.state.check_term(turn);
        // The machine may have slept. If a socket has expired meanwhile, the packets that are still
        // queued for it must not be sent.
        self.state.expire(turn);
        // The order of one pass of this loop:
        // - Orders come before input, so that a socket that was revoked handles no more of its
        //   events.
        // - Admissions come after all available input, so that events that were sent before the
        //   answer to a CONNECT are recognised as too early.
        // - The flush comes last, so that all packets of a pass are sent in one write.
        loop {
            self.state.read_letters(turn);
            let read =
                self.wire.read(&mut turn.cx(), &mut Receiving { state: &mut self.state, turn });
            self.state.poll_admissions(turn);
            self.state.poll_lifetimes(turn);
            self.state.poll_handlers(turn);
            self.check_deadlines(turn);
            self.flush(turn);
            if self.state.closing.is_some() {
                return self.poll_close(turn);
            }
            // Handlers that are done, and bytes that were sent, may have made room for waiting
            // work.
            let unread = read == ReadEnd::NotReading && self.state.is_reading();
            if !unread && !self.state.has_runnable() {
                break;
            }
            passes -= 1;
            if passes == 0 || turn.budget == 0 {
                yield_turn(turn);
                break;
            }
        }
        if self.state.is_reading() {
            self.state.protocol.resume(turn.now);
        } else {
            self.state.protocol.pause(turn.now);
        }
        Poll::Pending
    }

    fn check_deadlines(&mut self, turn: &Turn<'_>) {
        self.state.check_deadlines(turn);
        let is_unread = !self.state.is_reading() && self.state.closing.is_none();
        if is_unread && self.wire.is_closed_by_peer() {
            self.state.abort(DisconnectReason::TransportClosed, turn);
        }
        if self.wire.has_moved() {
            self.state.moved(turn);
        }
        self.state.check_stall(turn);
    }

    fn flush(&mut self, turn: &Turn<'_>) {
        // A handler may have taken long.
        self.state.check_term(turn);
        self.wire.allow(self.state.protocol.message_limit(), self.state.place.is_none());
        if std::mem::take(&mut self.state.was_cut) {
            self.wire.cut();
        }
        let before = self.state.outbox.len();
        let flushed = self.wire.poll_flush(&mut turn.cx(), &mut self.state.outbox);
        self.state.outbox.release();
        self.state.flushed(&flushed, before, turn);
    }

    fn poll_close(&mut self, turn: &Turn<'_>) -> Poll<()> {
        // The seats of the sockets are already free, so probes need not wait for the last packets.
        self.state.probing = None;
        self.wire.stop_reading();
        match self.state.closing {
            Some(until) if until <= turn.now => Poll::Ready(()),
            _ => {
                let closed = self.wire.poll_close(&mut turn.cx(), &mut self.state.outbox);
                self.state.outbox.release();
                closed
            }
        }
    }
}

impl<W: Wire> Future for LinkTask<W> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { state, .. } = &*self;
        // Registered before the mailbox is read, so that a letter that is posted later wakes the
        // task again.
        state.handle.register(cx);
        let clock = &state.services.clock;
        let mut turn = Turn::new(cx.waker(), clock.now(), clock.wall());
        let this = self.get_mut();
        let poll = this.drive(&mut turn);
        if poll.is_pending()
            && let Some(deadline) = this.state.deadline(&turn)
        {
            this.timer.arm(deadline, turn.now, cx.waker());
        }
        poll
    }
}

/// Yields to other tasks and to the I/O driver before this link continues.
///
/// A task that wakes itself returns at once to the run queue, and the runtime rarely polls I/O
/// before that queue is empty. `yield_now` defers the wake-up until I/O was polled.
fn yield_turn(turn: &Turn<'_>) {
    let mut pause = std::pin::pin!(tokio::task::yield_now());
    // The first poll only requests the deferred wake-up.
    let asked = pause.as_mut().poll(&mut turn.cx());
    debug_assert!(asked.is_pending());
}

/// Maximum number of passes of one link in one turn, which is one poll of its task.
const PASSES_PER_TURN: usize = 4;
