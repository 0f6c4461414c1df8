//! Disconnects clients that read too slowly.
//!
//! A client is disconnected if it reads nothing for `Limits::write_stall`, or if more than
//! `Limits::outbox` bytes wait for it. While a quarter of `Limits::outbox` or more waits, no
//! further event of the client is handled, because its answer would make the outbox longer.
//! `presence/mailbox.rs` limits the packets that wait in the mailbox, and `pending` limits those
//! that wait for an admission.

use std::{io, task::Poll};

use doorward_core::DisconnectReason;

use crate::link::{state::LinkState, turn::Turn};

impl LinkState {
    /// Returns `true` while so many bytes wait in the outbox that no further handler is started.
    pub(super) fn is_congested(&self) -> bool {
        self.outbox.len() >= self.congestion_limit()
    }

    /// Returns the number of waiting bytes at which the link becomes congested, which is a quarter
    /// of `Limits::outbox`. The rest is left for the answers of handlers that are already running.
    pub(super) fn congestion_limit(&self) -> usize {
        self.services.limits.outbox / 4
    }

    /// Takes notice that the client reads what it was sent before the waiting packets.
    pub(super) fn moved(&mut self, turn: &Turn<'_>) {
        if let Some(since) = &mut self.stalled_since {
            *since = turn.now;
        }
    }

    /// Ends the link of a client that has read nothing for `Limits::write_stall`.
    pub(super) fn check_stall(&mut self, turn: &Turn<'_>) {
        let stall = self.services.limits.write_stall;
        if self.stalled_since.is_some_and(|since| since + stall <= turn.now) {
            self.end_link(DisconnectReason::SlowConsumer, turn);
        }
    }

    /// Handles the outcome of a flush. `before` is the number of bytes in the outbox when the flush
    /// began.
    pub(super) fn flushed(&mut self, poll: &Poll<io::Result<()>>, before: usize, turn: &Turn<'_>) {
        self.outbox.report(&self.services.metrics.outbox);
        match poll {
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
