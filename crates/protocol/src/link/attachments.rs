//! Decides which attachments a client may send: how many, until when, and what may come between them.
//!
//! [`Link::handle_timeout`] reports attachments that do not arrive in time, and the driver closes the
//! link.

use std::time::Instant;

use super::{Link, Received, Violation, assembly::Assembly};
use crate::packet::Packet;

impl Link {
    /// Rejects a packet between the attachments of another packet. Attachments follow their packet
    /// directly (Socket.IO protocol v5). Only Engine.IO pongs and close packets may arrive between
    /// them.
    pub(super) fn check_uninterrupted(&self) -> Result<(), Violation> {
        if self.assembly.is_some() { Err(Violation::Interrupted) } else { Ok(()) }
    }

    /// Checks that the client may send the attachments that a packet announces.
    pub(super) fn check_binary(&self, packet: &Packet<'_>) -> Result<(), Violation> {
        // Only authenticated clients may make the server keep a packet that is not complete.
        if packet.kind.is_binary() && !self.is_known() {
            return Err(Violation::BinaryBeforeAdmission);
        }
        if packet.attachments > self.config.max_attachments {
            return Err(Violation::Attachments);
        }
        Ok(())
    }

    /// Keeps a packet until its `missing` attachments have arrived. Its message has `size` bytes.
    pub(super) fn keep(&mut self, packet: Received<'_>, missing: usize, size: usize, now: Instant) {
        let by = now + self.config.attachments_timeout;
        self.assembly = Some(Box::new(Assembly::new(packet, missing, size, by)));
    }

    /// Accepts an attachment. Returns the packet if its last attachment has arrived. Fails with
    /// [`Violation::Binary`] if no attachment is expected, and with [`Violation::TooLarge`] if the
    /// packet becomes too large.
    pub(super) fn attachment(&mut self, bytes: &[u8]) -> Result<Received<'static>, Violation> {
        // Attachments of a socket that has ended may still be in transit.
        let may_come = self.is_known() || self.may_cross();
        let assembly = self.assembly.as_mut().filter(|_| may_come).ok_or(Violation::Binary)?;
        assembly.take(bytes, self.config.max_message)?;
        let complete = self.assembly.take_if(|assembly| assembly.is_complete());
        Ok(complete.map_or(Received::Nothing, |assembly| assembly.into_received()))
    }
}
