//! Finds out whether a client is still there, because somebody waits for its seat.
//!
//! The client is pinged out of turn and has a moment to answer; whatever it sends is a sign of
//! life.

use std::time::Duration;

use doorward_core::DisconnectReason;
use doorward_protocol::engine;
use tokio::sync::oneshot;

use crate::link::{
    state::{LinkState, Probing},
    turn::Turn,
};

impl LinkState {
    /// Asks the client for a sign of life.
    pub(super) fn probe(&mut self, alive: oneshot::Sender<()>, turn: &Turn<'_>) {
        let is_stuck = self.stalled_since.is_some();
        // Who is not read could not be heard: that nothing comes proves nothing.
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

    /// The client has sent something.
    pub(super) fn is_alive(&mut self) {
        for asker in self.probing.take().map(|probing| probing.askers).into_iter().flatten() {
            answer(asker);
        }
    }

    /// Ends the link of a client that has not answered.
    pub(super) fn check_probe(&mut self, turn: &Turn<'_>) {
        let Some(probing) = self.probing.as_ref().filter(|probing| probing.until <= turn.now)
        else {
            return;
        };
        let is_dead = match probing.stuck {
            None => self.is_reading(),
            Some(waited) => self.stalled_since.is_some() && self.outbox.len() >= waited,
        };
        if is_dead {
            self.abort(DisconnectReason::PingTimeout, turn);
            // Now the seat is free, and whoever asked may know.
            self.probing = None;
        } else {
            self.is_alive();
        }
    }
}

fn answer(asker: oneshot::Sender<()>) {
    // Who has stopped waiting need not know.
    let _told = asker.send(());
}

/// How long a client may take. It is less than the two seconds in which a seat is decided.
const PATIENCE: Duration = Duration::from_millis(1_500);
