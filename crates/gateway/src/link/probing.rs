//! Checks if a client is still alive, because another connection of its user waits for the seat
//! that this client holds.
//!
//! The server sends a ping at once, and the client has [`PATIENCE`] to answer. Every message of the
//! client is a sign of life.

use std::time::Duration;

use doorward_core::DisconnectReason;
use doorward_protocol::engine;
use tokio::sync::oneshot;

use crate::link::{
    state::{LinkState, Probing},
    turn::Turn,
};

impl LinkState {
    /// Starts a probe, or adds the caller to the running probe. Sends on `alive` at the first sign
    /// of life, and drops `alive` if the client is dead. If the link has paused reading although
    /// the client reads, the client counts as alive at once.
    pub(super) fn probe(&mut self, alive: oneshot::Sender<()>, turn: &Turn<'_>) {
        let is_stuck = self.stalled_since.is_some();
        // While the link does not read, no pong of the client arrives. So its silence proves
        // nothing.
        if !self.is_reading() && !is_stuck {
            return answer(alive);
        }
        if let Some(probing) = &mut self.probing {
            return probing.askers.push(alive);
        }
        let stuck = is_stuck.then(|| self.outbox.len());
        self.probing =
            Some(Box::new(Probing { until: turn.now + PATIENCE, stuck, askers: vec![alive] }));
        self.ping(turn);
    }

    /// Sends a ping, unless the pong of an earlier one is pending.
    pub(super) fn ping(&mut self, turn: &Turn<'_>) {
        if self.protocol.ping_now(turn.now) {
            self.outbox.engine(engine::write_ping);
        }
    }

    /// Reports a sign of life to all callers that wait for one.
    pub(super) fn is_alive(&mut self) {
        for asker in self.probing.take().map(|probing| probing.askers).into_iter().flatten() {
            answer(asker);
        }
    }

    /// When the time of a probe is over, ends the link if its client has shown no sign of life.
    /// Otherwise reports the client as alive.
    pub(super) fn check_probe(&mut self, turn: &Turn<'_>) {
        let due = self.probing.as_ref().filter(|probing| probing.until <= turn.now);
        let Some(probing) = due else { return };
        // A client that was not reading when the probe began cannot answer the ping, because it has
        // not read the ping. For such a client, a shorter outbox is the sign of life.
        let is_dead = match probing.stuck {
            None => self.is_reading(),
            Some(waited) => self.stalled_since.is_some() && self.outbox.len() >= waited,
        };
        if is_dead {
            self.abort(DisconnectReason::PingTimeout, turn);
            // The probe is dropped after the abort, so that the seat is free when the callers learn
            // that the client is dead.
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

/// Time that the client has to answer a probe. It is less than the two seconds that a reservation
/// of a seat waits for all of its probes.
const PATIENCE: Duration = Duration::from_millis(1_500);
