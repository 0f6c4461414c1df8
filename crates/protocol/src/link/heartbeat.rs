//! The heartbeat of a link: the server pings, the client answers.
//!
//! Only a pong that was asked for counts; a client cannot prolong its life by sending them ahead.

use std::time::Instant;

use super::{LinkConfig, Timeout};

#[derive(Debug)]
pub(super) struct Heartbeat {
    phase: Phase,
    /// Since when the driver does not read.
    paused: Option<Instant>,
}

#[derive(Debug)]
enum Phase {
    /// The next ping is due then.
    Resting(Instant),
    /// A pong must have come by then.
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
        let is_resting = matches!(self.phase, Phase::Resting(_));
        if is_resting {
            self.phase = Phase::Waiting(now + config.ping_timeout);
        }
        is_resting
    }

    pub(super) fn pong(&mut self, config: &LinkConfig, now: Instant) {
        if let Phase::Waiting(_) = self.phase {
            self.phase = Phase::Resting(now + config.ping_interval);
        }
    }

    pub(super) fn handle_timeout(&mut self, config: &LinkConfig, now: Instant) -> Option<Timeout> {
        if self.deadline()? > now {
            return None;
        }
        match self.phase {
            Phase::Resting(_) => {
                self.phase = Phase::Waiting(now + config.ping_timeout);
                Some(Timeout::Ping)
            }
            Phase::Waiting(_) => Some(Timeout::NoPong),
        }
    }

    pub(super) fn pause(&mut self, now: Instant) {
        self.paused.get_or_insert(now);
    }

    pub(super) fn resume(&mut self, now: Instant) {
        let Some(since) = self.paused.take() else { return };
        let (Phase::Resting(at) | Phase::Waiting(at)) = &mut self.phase;
        *at += now.saturating_duration_since(since);
    }
}
