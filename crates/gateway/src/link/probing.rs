//! Probes whether a client is alive, because another client waits for its seat.
//!
//! The client gets a ping out of turn, and has [`PATIENCE`] to answer. Every message from it is a
//! sign of life.

use std::time::Duration;

use doorward_core::DisconnectReason;
use doorward_protocol::engine;
use tokio::sync::oneshot;

use crate::link::{
    state::{LinkState, Probing},
    turn::Turn,
};

impl LinkState {
    /// Starts a probe, or joins one that is running. `alive` is sent at the first sign of life.
    pub(super) fn probe(&mut self, alive: oneshot::Sender<()>, turn: &Turn<'_>) {
        let is_stuck = self.stalled_since.is_some();
        // A pong of a client that is not read would not arrive, so its silence proves nothing.
        if !self.is_reading() && !is_stuck {
            return answer(alive);
        }
        if let Some(probing) = &mut self.probing {
            return probing.askers.push(alive);
        }
        let stuck = is_stuck.then(|| self.outbox.len());
        self.probing =
            Some(Box::new(Probing { until: turn.now + PATIENCE, stuck, askers: vec![alive] }));
        if self.protocol.ping_now(turn.now) {
            self.outbox.text(engine::write_ping);
        }
    }

    /// Reports a sign of life to all callers that wait for one.
    pub(super) fn is_alive(&mut self) {
        for asker in self.probing.take().map(|probing| probing.askers).into_iter().flatten() {
            answer(asker);
        }
    }

    /// Ends the link of a client that has not answered a probe in time.
    pub(super) fn check_probe(&mut self, turn: &Turn<'_>) {
        let Some(probing) = self.probing.as_ref().filter(|probing| probing.until <= turn.now)
        else {
            return;
        };
        // A client that did not read at the beginning cannot answer a ping that it has not read.
        // For it, a shorter outbox is the sign of life.
        let is_dead = match probing.stuck {
            None => self.is_reading(),
            Some(waited) => self.stalled_since.is_some() && self.outbox.len() >= waited,
        };
        if is_dead {
            self.abort(DisconnectReason::PingTimeout, turn);
            // After the abort: the seat is free when the callers read that the client is dead.
            self.probing = None;
        } else {
            self.is_alive();
        }
    }
}

fn answer(asker: oneshot::Sender<()>) {
    // The caller may have stopped waiting.
    let _told = asker.send(());
}

/// Time for the client to answer. It is less than the two seconds for which a reservation waits for
/// all of its probes.
const PATIENCE: Duration = Duration::from_millis(1_500);
