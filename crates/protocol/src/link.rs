//! The state of one link: who has asked to enter what, and how long it may go on like this.
//!
//! The driver shows every message to [`Link::receive`] and every passing of [`Link::deadline`] to
//! [`Link::handle_timeout`]; it starts the admissions that [`Link::poll_admission`] gives out and says
//! how they ended. Whether a message came by WebSocket or by polling is not known here, nor what an
//! admission is. Start reading at [`Link::receive`], which stands in `receiving.rs`.

mod assembly;
mod config;
mod heartbeat;
mod receiving;
mod slots;
mod words;

use std::{sync::Arc, time::Instant};

use assembly::Assembly;
pub use config::LinkConfig;
use heartbeat::Heartbeat;
pub use slots::SlotId;
use slots::{Slots, State};
pub use words::{Ack, Admission, Event, Received, Timeout, Trust, Violation};

/// One Engine.IO connection, seen from the server.
///
/// # Examples
/// ```
/// use std::{sync::Arc, time::Instant};
/// use doorward_protocol::{Admission, Link, LinkConfig, Message, Received, Trust};
///
/// # #[expect(clippy::disallowed_methods)] fn now() -> Instant { Instant::now() }
/// let now = now();
/// let mut link = Link::open(Arc::new(LinkConfig::default()), now);
///
/// link.receive(Message::Text("40"), now)?;
/// let Some(Admission::Start { slot, .. }) = link.poll_admission() else { panic!("no admission") };
/// link.admitted(slot, Trust::Known);
///
/// let Received::Event(event) = link.receive(Message::Text(r#"42["hi"]"#), now)? else { panic!() };
/// assert_eq!(event.name, "hi");
/// # Ok::<_, doorward_protocol::Violation>(())
/// ```
#[derive(Debug)]
pub struct Link {
    config: Arc<LinkConfig>,
    heartbeat: Heartbeat,
    slots: Slots,
    /// When a CONNECT must have arrived; `None` while one is being decided or somebody is admitted.
    connect_by: Option<Instant>,
    /// Bytes received since nobody was admitted.
    unauthenticated_bytes: usize,
    refusals: usize,
    /// A binary packet of which attachments are still to come.
    assembly: Option<Box<Assembly>>,
    /// The server has ended a socket, so packets for it may still be on their way.
    has_ended: bool,
}

impl Link {
    /// Opens a link. The first ping is due one ping interval from `now`, a CONNECT much earlier.
    #[must_use]
    pub fn open(config: Arc<LinkConfig>, now: Instant) -> Self {
        Self {
            heartbeat: Heartbeat::start(&config, now),
            connect_by: Some(now + config.connect_timeout),
            slots: Slots::default(),
            unauthenticated_bytes: 0,
            refusals: 0,
            assembly: None,
            has_ended: false,
            config,
        }
    }

    /// Returns how long the next message may be, in bytes.
    #[must_use]
    pub fn message_limit(&self) -> usize {
        if self.is_known() { self.config.max_message } else { self.config.max_connect }
    }

    /// Counts bytes as they arrive, whatever they are.
    ///
    /// # Errors
    /// [`Violation::Unauthenticated`] when they are more than a client may send before it is known.
    pub fn count(&mut self, bytes: usize) -> Result<(), Violation> {
        if self.is_known() {
            return Ok(());
        }
        self.unauthenticated_bytes = self.unauthenticated_bytes.saturating_add(bytes);
        if self.unauthenticated_bytes > self.config.max_unauthenticated {
            return Err(Violation::Unauthenticated);
        }
        Ok(())
    }

    /// Returns the next CONNECT to decide.
    ///
    /// As many are given out at once as could be refused before the budget is used up, so no client
    /// ever costs more refused admissions than that; the others wait.
    #[must_use]
    pub fn poll_admission(&mut self) -> Option<Admission> {
        let slot = self.slots.first_waiting()?;
        let budget = self.config.max_refusals;
        if self.refusals >= budget {
            return Some(Admission::Exhausted { slot });
        }
        if self.refusals + self.slots.deciding() >= budget {
            return None;
        }
        Some(Admission::Start { slot, auth: self.slots.decide(slot) })
    }

    /// Says that the client is in.
    pub fn admitted(&mut self, slot: SlotId, trust: Trust) {
        self.slots.admit(slot, trust, self.config.max_anonymous_events);
    }

    /// Says that the client was refused.
    pub fn refused(&mut self, slot: SlotId) {
        self.slots.remove(slot);
        self.refusals = self.refusals.saturating_add(1);
    }

    /// Says that the server has ended the client's socket in a namespace; otherwise as [`Link::left`].
    pub fn ended(&mut self, slot: SlotId, now: Instant) {
        self.has_ended = true;
        self.left(slot, now);
    }

    /// Says that the client has left a namespace by itself. A link on which nobody is left is
    /// unauthenticated again.
    ///
    /// Who gives up an admission has used up an attempt, and only who was authenticated gets new
    /// bytes: otherwise a stranger could come and go for ever.
    pub fn left(&mut self, slot: SlotId, now: Instant) {
        match self.slots.state(slot) {
            State::Admitted { trust: Trust::Known, .. } => self.unauthenticated_bytes = 0,
            State::Admitted { trust: Trust::Anonymous, .. } => {}
            State::Deciding | State::Waiting { .. } => {
                self.refusals = self.refusals.saturating_add(1);
            }
        }
        self.slots.remove(slot);
        if let Some(assembly) = &mut self.assembly
            && (assembly.is_for(slot) || !self.slots.any_known())
        {
            assembly.swallow();
        }
        if self.slots.is_empty() {
            self.connect_by = Some(now + self.config.connect_timeout);
        }
    }

    /// Returns whether the link must be closed because it was refused: nothing on it is admitted or
    /// waits for a decision, or it goes on asking beyond all measure.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        let tolerated = if self.is_known() { TOLERATED_REFUSALS } else { 0 };
        self.refusals > 0
            && (self.slots.is_empty() || self.refusals > self.config.max_refusals + tolerated)
    }

    /// Returns how many namespaces the client is in or waits for.
    #[must_use]
    pub fn namespaces(&self) -> usize {
        self.slots.len()
    }

    /// Returns whether somebody on this link was authenticated.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.slots.any_known()
    }

    /// Returns the name of the namespace at `slot`.
    #[must_use]
    pub fn namespace(&self, slot: SlotId) -> &str {
        self.slots.name(slot)
    }

    /// Returns when [`Link::handle_timeout`] has something to say.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let attachments = self.assembly.as_ref().and_then(|assembly| assembly.deadline());
        [self.connect_by, attachments, self.heartbeat.deadline()].into_iter().flatten().min()
    }

    /// Tells what the passing of time means, one thing for each call.
    #[must_use]
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Timeout> {
        if self.connect_by.is_some_and(|deadline| deadline <= now) {
            return Some(Timeout::NoConnect);
        }
        let attachments = self.assembly.as_ref().and_then(|assembly| assembly.deadline());
        if attachments.is_some_and(|deadline| deadline <= now) {
            return Some(Timeout::NoAttachments);
        }
        self.heartbeat.handle_timeout(&self.config, now)
    }

    /// Says that somebody wants to know whether the client is there; returns whether to ping it now. When a
    /// pong is waited for already, that one counts.
    #[must_use]
    pub fn ping_now(&mut self, now: Instant) -> bool {
        self.heartbeat.ping_now(&self.config, now)
    }

    /// Stops the heartbeat, and the time for attachments, while the driver does not read: that a pong
    /// is not read proves nothing.
    pub fn pause(&mut self, now: Instant) {
        self.heartbeat.pause(now);
        if let Some(assembly) = &mut self.assembly {
            assembly.pause(now);
        }
    }

    /// Goes on with both where they stopped.
    pub fn resume(&mut self, now: Instant) {
        self.heartbeat.resume(now);
        if let Some(assembly) = &mut self.assembly {
            assembly.resume(now);
        }
    }
}

/// Refusals beyond the budget that a known client may collect: a program that asks in a loop is cut
/// off, one that tries a handful of namespaces is not.
const TOLERATED_REFUSALS: usize = 32;

#[cfg(test)]
mod tests;
