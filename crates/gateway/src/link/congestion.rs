//! Decides when a client is too slow: what waits for it is bounded in bytes, and must shrink in time.
//!
//! A client that takes nothing for `Limits::write_stall`, or for which more than `Limits::outbox` waits, is
//! disconnected. Before that its own events wait, because they would add answers to the outbox.

use std::{io, task::Poll};

use doorward_core::DisconnectReason;

use crate::link::{state::LinkState, turn::Turn};

impl LinkState {
    /// Returns `true` while so much waits to be sent that no handler is started that would add to
    /// it.
    pub(super) fn is_congested(&self) -> bool {
        self.outbox.len() >= self.congestion_limit()
    }

    /// Returns the number of queued bytes from which on the link is congested. It is far below the
    /// limit at which the link ends, so that answers of running handlers still fit.
    pub(super) fn congestion_limit(&self) -> usize {
        self.services.limits.outbox / 4
    }

    /// Ends the link of a client that has read nothing for `Limits::write_stall`.
    pub(super) fn check_stall(&mut self, turn: &Turn<'_>) {
        let stall = self.services.limits.write_stall;
        if self.stalled_since.is_some_and(|since| since + stall <= turn.now) {
            self.end_link(DisconnectReason::SlowConsumer, turn);
        }
    }

    /// Records the outcome of a flush that found `before` bytes in the outbox.
    pub(super) fn flushed(
        &mut self,
        flushed: &Poll<io::Result<()>>,
        before: usize,
        turn: &Turn<'_>,
    ) {
        self.outbox.report(&self.services.metrics.outbox);
        match flushed {
            Poll::Ready(Ok(())) => {
                if self.stalled_since.take().is_some() {
                    self.handle.set_behind(false);
                }
            }
            Poll::Ready(Err(_)) => self.abort(DisconnectReason::TransportClosed, turn),
            Poll::Pending => {
                let moved = self.outbox.len() < before;
                if moved || self.stalled_since.is_none() {
                    self.stalled_since = Some(turn.now);
                    self.handle.set_behind(true);
                }
                if self.outbox.len() > self.services.limits.outbox {
                    self.end_link(DisconnectReason::SlowConsumer, turn);
                }
            }
        }
    }
}
