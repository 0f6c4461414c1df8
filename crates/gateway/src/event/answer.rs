//! Where the answer to one event goes.

use doorward_core::{BoxError, DecisionId, Exception, wire::ErrorAnswer};
use doorward_protocol::{Arguments, packet};

use crate::{
    room::error::check_event,
    transport::outbox::{Outbox, Owner},
};

/// Where the answer to one event is written, and what it must look like.
pub(crate) struct Answer<'a> {
    pub(crate) out: &'a mut Outbox,
    /// The socket that it is for.
    pub(crate) owner: Option<Owner>,
    pub(crate) namespace: &'a str,
    pub(crate) event: &'a str,
    pub(crate) ack: Option<u64>,
    /// How many bytes may wait in `out` before a stream pauses.
    pub(crate) room: usize,
    /// A stream has more to say and waits for room.
    pub(crate) is_blocked: bool,
}

impl Answer<'_> {
    /// Answers with a value; without an ack none was asked for.
    pub(crate) fn value(&mut self, value: &impl Arguments) -> Result<(), BoxError> {
        let Some(id) = self.ack else { return Ok(()) };
        Ok(self.out.packet(self.owner, |out| packet::write_ack(out, self.namespace, id, value))?)
    }

    /// Sends an event ahead of the answer.
    pub(crate) fn emit(&mut self, event: &str, data: &impl Arguments) -> Result<(), BoxError> {
        check_event(event)?;
        self.instead(event, data)
    }

    /// Sends an event in place of `exception`; its name was checked.
    pub(crate) fn instead(&mut self, event: &str, data: &impl Arguments) -> Result<(), BoxError> {
        Ok(self.out.packet(self.owner, |out| {
            packet::write_event(out, self.namespace, None, event, data)
        })?)
    }

    /// Whether a stream may go on.
    pub(crate) fn has_room(&self) -> bool {
        self.out.len() < self.room
    }

    /// Answers with an error; without an ack it becomes an event.
    pub(crate) fn exception(&mut self, exception: &Exception, id: DecisionId) {
        let written = self.out.packet(self.owner, |out| match self.ack {
            Some(ack) => {
                packet::write_ack(out, self.namespace, ack, &ErrorAnswer::ack(exception, id))
            }
            None => packet::write_event(
                out,
                self.namespace,
                None,
                ErrorAnswer::EVENT,
                &ErrorAnswer::event(exception, id, self.event),
            ),
        });
        written.expect("wire types are strings, numbers and plain structs");
    }
}
