//! State of one link, which is one Engine.IO connection.
//!
//! A link holds the namespaces that its client requested, and its deadlines. The code that uses a
//! link is called its driver. The driver passes every message to [`Link::receive`], and calls
//! [`Link::handle_timeout`] when [`Link::deadline`] has expired. It also runs the admissions that
//! [`Link::poll_admission`] returns, and reports their outcome. The transport and the admissions
//! are not part of this module. Start reading at [`Link::receive`], which is in `rules.rs`.

mod assembly;
mod attachments;
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

/// Server side of one Engine.IO connection. The code that uses it is called its driver.
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
    /// Deadline for a CONNECT. `None` while a CONNECT is pending or the client is admitted to a
    /// namespace.
    connect_by: Option<Instant>,
    /// Bytes received while the client is not authenticated in any namespace.
    unauthenticated_bytes: usize,
    /// Number of CONNECTs that the server refused or the client abandoned.
    refusals: usize,
    /// Binary packet whose attachments have not all arrived.
    assembly: Option<Box<Assembly>>,
    /// `true` if the server has ended a socket of this link, so packets for that socket may still
    /// be in transit.
    has_ended: bool,
}

impl Link {
    /// Opens a link at the time `now`. The client must send a CONNECT within
    /// [`LinkConfig::connect_timeout`]. The first ping is due after [`LinkConfig::ping_interval`].
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

    /// Returns the maximum length of the next message, in bytes.
    #[must_use]
    pub fn message_limit(&self) -> usize {
        if self.is_known() { self.config.max_message } else { self.config.max_connect }
    }

    /// Counts `bytes` received bytes against the limit for unauthenticated clients. Bytes of
    /// invalid messages count as well.
    ///
    /// # Errors
    /// [`Violation::Unauthenticated`] if the client has sent more than
    /// [`LinkConfig::max_unauthenticated`] bytes without being authenticated.
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

    /// Returns the next CONNECT to decide, or `None` if no CONNECT can be decided now.
    ///
    /// Refused and pending admissions together are at most [`LinkConfig::max_refusals`], because
    /// each pending admission may be refused. Further CONNECTs wait until a pending admission is
    /// decided.
    #[must_use]
    pub fn poll_admission(&mut self) -> Option<Admission> {
        let slot = self.slots.first_waiting()?;
        let budget = self.config.max_refusals;
        if self.refusals >= budget {
            return Some(Admission::Exhausted { slot });
        }
        // Each pending admission counts as refused until its outcome is known. Otherwise a client
        // could start many admissions at once and exceed the budget before the first one is
        // refused.
        if self.refusals + self.slots.deciding() >= budget {
            return None;
        }
        Some(Admission::Start { slot, auth: self.slots.decide(slot) })
    }

    /// Records that the CONNECT at `slot` was admitted.
    pub fn admitted(&mut self, slot: SlotId, trust: Trust) {
        self.slots.admit(slot, trust, self.config.max_anonymous_events);
    }

    /// Records that the CONNECT at `slot` was refused.
    pub fn refused(&mut self, slot: SlotId) {
        // The deadline for a CONNECT does not start again. If the link has no other namespace,
        // `is_refused` returns `true` and the driver closes the link.
        self.slots.remove(slot);
        self.refusals = self.refusals.saturating_add(1);
    }

    /// Records that the server has ended the socket at `slot`. This does the same as
    /// [`Link::left`]. In addition, packets for the socket that are still in transit are tolerated.
    pub fn ended(&mut self, slot: SlotId, now: Instant) {
        self.has_ended = true;
        self.left(slot, now);
    }

    /// Records that the client has left the namespace at `slot` with a DISCONNECT.
    ///
    /// If this was the last namespace of the link, the client must send a CONNECT within
    /// [`LinkConfig::connect_timeout`]. If the admission to the namespace was still pending, it
    /// counts as refused. The count of unauthenticated bytes starts again only if the client was
    /// authenticated. Otherwise an unauthenticated client could connect and disconnect forever.
    pub fn left(&mut self, slot: SlotId, now: Instant) {
        match self.slots.state(slot) {
            State::Admitted { trust: Trust::Known, .. } => self.unauthenticated_bytes = 0,
            State::Admitted { trust: Trust::Anonymous, .. } => {}
            State::Deciding | State::Waiting { .. } => {
                self.refusals = self.refusals.saturating_add(1);
            }
        }
        self.slots.remove(slot);
        // The client may have sent the head of a binary packet before it learned that the socket
        // ended. The remaining attachments are in transit and must be counted, but they no longer
        // have a recipient.
        if let Some(assembly) = &mut self.assembly
            && (assembly.is_for(slot) || !self.slots.any_known())
        {
            assembly.swallow();
        }
        if self.slots.is_empty() {
            self.connect_by = Some(now + self.config.connect_timeout);
        }
    }

    /// Returns `true` if the link must be closed because of refused CONNECTs. Either the link has
    /// no admitted or pending namespace left, or the client exceeded the tolerated number of
    /// refusals.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        // More refusals are tolerated from an authenticated client, so that it does not lose its
        // other namespaces because it lacks permission for one.
        let tolerated = if self.is_known() { TOLERATED_REFUSALS } else { 0 };
        self.refusals > 0
            && (self.slots.is_empty() || self.refusals > self.config.max_refusals + tolerated)
    }

    /// Returns the number of namespaces that are admitted or pending.
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

    /// Returns the time at which [`Link::handle_timeout`] must be called. `None` if no deadline is
    /// running.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let attachments = self.assembly.as_ref().and_then(|assembly| assembly.deadline());
        [self.connect_by, attachments, self.heartbeat.deadline()].into_iter().flatten().min()
    }

    /// Returns the meaning of one expired deadline, or `None` if no deadline has expired.
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

    /// Starts a check that the client is alive. Returns `true` if the driver must send a ping now.
    /// Returns `false` if the pong for an earlier ping is pending, which answers this check too.
    #[must_use]
    pub fn ping_now(&mut self, now: Instant) -> bool {
        self.heartbeat.ping_now(&self.config, now)
    }

    /// Pauses the heartbeat and the deadline for attachments while the driver does not read. An
    /// unread pong must not be mistaken for a missing one.
    pub fn pause(&mut self, now: Instant) {
        self.heartbeat.pause(now);
        if let Some(assembly) = &mut self.assembly {
            assembly.pause(now);
        }
    }

    /// Resumes the heartbeat and the deadline for attachments with the time that was left.
    pub fn resume(&mut self, now: Instant) {
        self.heartbeat.resume(now);
        if let Some(assembly) = &mut self.assembly {
            assembly.resume(now);
        }
    }
}

/// Number of refusals beyond [`LinkConfig::max_refusals`] that are tolerated from an authenticated
/// client. It stops programs that request namespaces in a loop, but not those that try a few.
const TOLERATED_REFUSALS: usize = 32;

#[cfg(test)]
mod tests;
