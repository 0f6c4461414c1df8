//! State of one link: the namespaces that its client has asked for, and its deadlines.
//!
//! The driver passes every message to [`Link::receive`] and every expired [`Link::deadline`] to
//! [`Link::handle_timeout`]. It starts the admissions that [`Link::poll_admission`] returns, and
//! reports their outcome. A link knows neither its transport nor what an admission does. Start
//! reading at [`Link::receive`], which is in `rules.rs`.

mod assembly;
mod config;
mod heartbeat;
mod rules;
mod slots;
mod types;

use std::{sync::Arc, time::Instant};

use assembly::Assembly;
pub use config::LinkConfig;
use heartbeat::Heartbeat;
pub use slots::{SlotId, Trust};
use slots::{Slots, State};
pub use types::{Ack, Admission, Event, Received, Timeout, Violation};

/// Server side of one Engine.IO connection.
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
    /// Deadline for a CONNECT; `None` while one is being decided or a client is admitted.
    connect_by: Option<Instant>,
    /// Bytes received while no authenticated client is on the link.
    unauthenticated_bytes: usize,
    /// CONNECTs that were refused or abandoned.
    refusals: usize,
    /// A binary packet whose attachments have not all arrived.
    assembly: Option<Box<Assembly>>,
    /// `true` once the server has ended a socket: packets for it may still be in transit.
    has_ended: bool,
}

impl Link {
    /// Opens a link. The first ping is due one ping interval after `now`, a CONNECT much earlier.
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

    /// Returns the largest length of the next message, in bytes.
    #[must_use]
    pub fn message_limit(&self) -> usize {
        if self.is_known() { self.config.max_message } else { self.config.max_connect }
    }

    /// Counts received bytes, of valid and invalid messages alike.
    ///
    /// # Errors
    /// [`Violation::Unauthenticated`] if the client has sent more than it may before it is
    /// authenticated.
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
    /// The number of concurrent admissions is limited to what could be refused before the budget is
    /// used up. So no client costs more refused admissions than the budget; further CONNECTs wait.
    #[must_use]
    pub fn poll_admission(&mut self) -> Option<Admission> {
        let slot = self.slots.first_waiting()?;
        let budget = self.config.max_refusals;
        if self.refusals >= budget {
            return Some(Admission::Exhausted { slot });
        }
        // Each pending admission is counted as refused until its outcome is known. Without that, a
        // client could start all of them at once and exceed the budget before the first refusal
        // arrives.
        if self.refusals + self.slots.deciding() >= budget {
            return None;
        }
        Some(Admission::Start { slot, auth: self.slots.decide(slot) })
    }

    /// Records that the client was admitted.
    pub fn admitted(&mut self, slot: SlotId, trust: Trust) {
        self.slots.admit(slot, trust, self.config.max_anonymous_events);
    }

    /// Records that the client was refused.
    pub fn refused(&mut self, slot: SlotId) {
        // No new deadline for a CONNECT: if nothing else is on the link, `is_refused` closes it.
        self.slots.remove(slot);
        self.refusals = self.refusals.saturating_add(1);
    }

    /// Records that the server has ended the client's socket in a namespace. Otherwise the same as
    /// [`Link::left`].
    pub fn ended(&mut self, slot: SlotId, now: Instant) {
        self.has_ended = true;
        self.left(slot, now);
    }

    /// Records that the client has left a namespace with a DISCONNECT. A link without namespaces is
    /// unauthenticated again.
    ///
    /// Abandoning an admission counts as a refusal, and only an authenticated client gets a fresh
    /// byte budget. Otherwise an unauthenticated client could connect and disconnect for ever.
    pub fn left(&mut self, slot: SlotId, now: Instant) {
        match self.slots.state(slot) {
            State::Admitted { trust: Trust::Known, .. } => self.unauthenticated_bytes = 0,
            State::Admitted { trust: Trust::Anonymous, .. } => {}
            State::Deciding | State::Waiting { .. } => {
                self.refusals = self.refusals.saturating_add(1);
            }
        }
        self.slots.remove(slot);
        // The client may have sent the head before it knew of the end. The remaining attachments
        // are in transit and must be counted, but they have no recipient any more.
        if let Some(assembly) = &mut self.assembly
            && (assembly.is_for(slot) || !self.slots.any_known())
        {
            assembly.swallow();
        }
        if self.slots.is_empty() {
            self.connect_by = Some(now + self.config.connect_timeout);
        }
    }

    /// Returns `true` if the link must be closed because of refusals: nothing on it is admitted or
    /// pending, or it keeps asking beyond the tolerated number.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        // An authenticated client gets more patience, so that a missing permission for one
        // namespace does not cost it the others.
        let tolerated = if self.is_known() { TOLERATED_REFUSALS } else { 0 };
        self.refusals > 0
            && (self.slots.is_empty() || self.refusals > self.config.max_refusals + tolerated)
    }

    /// Returns the number of namespaces that the client is in or waits for.
    #[must_use]
    pub fn namespaces(&self) -> usize {
        self.slots.len()
    }

    /// Returns `true` if the client is authenticated in a namespace of this link.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.slots.any_known()
    }

    /// Returns the name of the namespace at `slot`.
    #[must_use]
    pub fn namespace(&self, slot: SlotId) -> &str {
        self.slots.name(slot)
    }

    /// Returns when [`Link::handle_timeout`] must be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let attachments = self.assembly.as_ref().and_then(|assembly| assembly.deadline());
        [self.connect_by, attachments, self.heartbeat.deadline()].into_iter().flatten().min()
    }

    /// Returns the meaning of an expired deadline, one for each call.
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

    /// Starts a probe whether the client is alive. Returns `true` if a ping must be sent now, and
    /// `false` if a pong is pending already: then that one answers the probe.
    #[must_use]
    pub fn ping_now(&mut self, now: Instant) -> bool {
        self.heartbeat.ping_now(&self.config, now)
    }

    /// Stops the heartbeat, and the deadline for attachments, while the driver does not read: a
    /// pong that was not read does not prove that the client is dead.
    pub fn pause(&mut self, now: Instant) {
        self.heartbeat.pause(now);
        if let Some(assembly) = &mut self.assembly {
            assembly.pause(now);
        }
    }

    /// Resumes both with the time that was left.
    pub fn resume(&mut self, now: Instant) {
        self.heartbeat.resume(now);
        if let Some(assembly) = &mut self.assembly {
            assembly.resume(now);
        }
    }
}

/// Refusals beyond the budget that an authenticated client may collect. A program that asks in a
/// loop is cut off; one that tries a handful of namespaces is not.
const TOLERATED_REFUSALS: usize = 32;

#[cfg(test)]
mod tests;
