//! Heartbeat of a link. The server sends pings, and the client answers them.
//!
//! Only a pong that answers a ping counts. A client cannot keep its connection alive by sending
//! pongs in advance.

use std::time::Instant;

use super::{LinkConfig, Timeout};

#[derive(Debug)]
pub(super) struct Heartbeat {
    phase: Phase,
    /// Time at which the driver stopped reading. `None` while it reads.
    paused: Option<Instant>,
}

#[derive(Debug)]
enum Phase {
    /// The next ping is due at this time.
    Resting(Instant),
    /// A pong must arrive by this time.
    Waiting(Instant),
}

impl Heartbeat {
    pub(super) fn start(config: &LinkConfig, now: Instant) -> Self {
        Self { phase: Phase::Resting(now + config.ping_interval), paused: None }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let (Phase::Resting(at) | Phase::Waiting(at)) = self.phase;
        self.paused.is_none().then_some(at)
    }

    pub(super) fn ping_now(&mut self, config: &LinkConfig, now: Instant) -> bool {
        // While a pong is pending, a second ping would only extend the deadline of the first.
        let is_resting = matches!(self.phase, Phase::Resting(_));
        if is_resting {
            self.phase = Phase::Waiting(now + config.ping_timeout);
        }
        is_resting
    }

    pub(super) fn pong(&mut self, config: &LinkConfig, now: Instant) {
        // The interval starts with the pong, not with the ping, as in the JavaScript server.
        if let Phase::Waiting(_) = self.phase {
            self.phase = Phase::Resting(now + config.ping_interval);
        }
    }

    pub(super) fn handle_timeout(&mut self, config: &LinkConfig, now: Instant) -> Option<Timeout> {
        if self.deadline()? > now {
            return None;
        }
        match self.phase {
            Phase::Resting(due) => {
                // The time counts from the moment at which the ping was due, so that a coarse timer
                // does not lengthen it. A driver that is far too late must not shorten it.
                let timeout = config.ping_timeout;
                self.phase = Phase::Waiting((due + timeout).max(now + timeout / 2));
                Some(Timeout::Ping)
            }
            Phase::Waiting(_) => Some(Timeout::NoPong),
        }
    }

    pub(super) fn pause(&mut self, now: Instant) {
        self.paused.get_or_insert(now);
    }

    pub(super) fn resume(&mut self, now: Instant) {
        // The length of the pause is added to the deadline, so the client has exactly the time that
        // was left.
        let Some(since) = self.paused.take() else { return };
        let (Phase::Resting(at) | Phase::Waiting(at)) = &mut self.phase;
        *at += now.saturating_duration_since(since);
    }
}
