//! Finds out whether a client is still there, because somebody waits for its seat.
//!
//! The client is pinged out of turn and has a moment to answer; whatever it sends is a sign of life.

use std::time::{Duration, Instant};

use doorward_core::DisconnectReason;
use doorward_protocol::engine;
use tokio::sync::oneshot;

use super::{LinkTask, Transport};

/// A question to a client that was not answered yet.
pub(super) struct Probing {
    /// When no answer is an answer.
    pub(super) until: Instant,
    /// Who wants to know; dropping them says no.
    askers: Vec<oneshot::Sender<()>>,
}

impl<S: Transport> LinkTask<S> {
    /// Asks the client for a sign of life.
    pub(super) fn probe(&mut self, alive: oneshot::Sender<()>, now: Instant) {
        // Who is not read could not be heard: that nothing comes proves nothing.
        if !self.is_reading() {
            return answer(alive);
        }
        if let Some(probing) = &mut self.probing {
            return probing.askers.push(alive);
        }
        self.probing = Some(Box::new(Probing { until: now + PATIENCE, askers: vec![alive] }));
        if self.link.ping_now(now) {
            self.send(engine::write_ping);
        }
    }

    /// The client has sent something.
    pub(super) fn is_alive(&mut self) {
        for asker in self.probing.take().map(|probing| probing.askers).into_iter().flatten() {
            answer(asker);
        }
    }

    /// Ends the link of a client that has not answered.
    pub(super) fn check_probe(&mut self, now: Instant) {
        if self.probing.as_ref().is_none_or(|probing| probing.until > now) {
            return;
        }
        if self.is_reading() {
            self.abort(DisconnectReason::PingTimeout, now);
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
