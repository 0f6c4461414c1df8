//! Decides which attachments a client may send: how many, until when, and what may come between them.
//!
//! [`Link::handle_timeout`] closes a link whose attachments do not arrive in time.

use std::time::Instant;

use super::{Link, Received, Violation, assembly::Assembly};
use crate::packet::Packet;

impl Link {
    /// Rejects a packet between the attachments of another packet. Attachments follow their packet
    /// directly (Socket.IO protocol v5). Only pongs and closes may arrive between them.
    pub(super) fn check_uninterrupted(&self) -> Result<(), Violation> {
        if self.assembly.is_some() { Err(Violation::Interrupted) } else { Ok(()) }
    }

    /// Checks a binary packet whose message has `size` bytes. If it has attachments, waits for them.
    pub(super) fn assemble<'m>(
        &mut self,
        packet: Packet<'m>,
        size: usize,
        now: Instant,
    ) -> Result<Received<'m>, Violation> {
        // Only authenticated clients may make the server keep a packet that is not complete.
        if !self.is_known() {
            return Err(Violation::Binary);
        }
        let attachments = packet.attachments;
        if attachments > self.config.max_attachments {
            return Err(Violation::Attachments);
        }
        let received = self.packet(packet)?;
        if attachments == 0 {
            return Ok(received);
        }
        let by = now + self.config.attachments_timeout;
        self.assembly = Some(Box::new(Assembly::new(received, attachments, size, by)));
        Ok(Received::Nothing)
    }

    /// Accepts an attachment if one is expected.
    pub(super) fn attachment(&mut self, bytes: &[u8]) -> Result<Received<'static>, Violation> {
        // Attachments of a socket that has ended may still be in transit.
        let may_come = self.is_known() || self.may_cross();
        let assembly = self.assembly.as_mut().filter(|_| may_come).ok_or(Violation::Binary)?;
        assembly.take(bytes, self.config.max_message)?;
        let complete = self.assembly.take_if(|assembly| assembly.is_complete());
        Ok(complete.map_or(Received::Nothing, |assembly| assembly.into_received()))
    }
}
