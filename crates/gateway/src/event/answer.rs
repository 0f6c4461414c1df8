//! Writes the answer to one event into the outbox of its link.

use doorward_core::{BoxError, DecisionId, Exception, wire::ErrorAnswer};
use doorward_protocol::{Arguments, packet};

use crate::{
    room::error::check_event,
    transport::outbox::{Outbox, Owner},
};

/// Writer of the answer to one event.
///
/// The link lends an `Answer` to an invocation for one poll. The `Answer` borrows the outbox, so a
/// handler cannot write at any other time, and the packets of one link keep their order.
pub(crate) struct Answer<'a> {
    pub(crate) out: &'a mut Outbox,
    /// Socket that sent the event, as the owner of the packets. `None` if the socket has ended.
    pub(crate) owner: Option<Owner>,
    pub(crate) namespace: &'a str,
    pub(crate) event: &'a str,
    pub(crate) ack: Option<u64>,
    /// Number of bytes that may wait in `out` before a stream pauses.
    pub(crate) room: usize,
    /// Set by a stream that has more items and waits until the client has read some packets. The
    /// stream wakes no task for that. The link polls the stream again after it has flushed the
    /// outbox.
    pub(crate) is_blocked: bool,
}

impl Answer<'_> {
    /// Writes the ack. Does nothing if the client did not ask for an ack. Fails if `value` cannot
    /// be written as JSON.
    pub(crate) fn value(&mut self, value: &impl Arguments) -> Result<(), BoxError> {
        let Some(id) = self.ack else { return Ok(()) };
        Ok(self.out.packet(self.owner, |out| packet::write_ack(out, self.namespace, id, value))?)
    }

    /// Sends an event before the ack.
    ///
    /// # Errors
    /// The name is reserved, or the data cannot be written as JSON. Nothing is sent then.
    pub(crate) fn emit(&mut self, event: &str, data: &impl Arguments) -> Result<(), BoxError> {
        check_event(event)?;
        self.instead(event, data)
    }

    /// Sends an event instead of `exception`. The caller has checked the name, which may be
    /// `exception` itself. Fails if `data` cannot be written as JSON.
    pub(crate) fn instead(&mut self, event: &str, data: &impl Arguments) -> Result<(), BoxError> {
        Ok(self.out.packet(self.owner, |out| {
            packet::write_event(out, self.namespace, None, event, data)
        })?)
    }

    /// Returns `true` while the outbox has room for another item of a stream.
    pub(crate) fn has_room(&self) -> bool {
        self.out.len() < self.room
    }

    /// Writes an error as the ack, or as the event `exception` if the client did not ask for an
    /// ack.
    pub(crate) fn exception(&mut self, exception: &Exception, id: DecisionId) {
        let Self { namespace, event, .. } = *self;
        let written = self.out.packet(self.owner, |out| match self.ack {
            Some(ack) => packet::write_ack(out, namespace, ack, &ErrorAnswer::ack(exception, id)),
            None => {
                let answer = ErrorAnswer::event(exception, id, event);
                packet::write_event(out, namespace, None, ErrorAnswer::EVENT, &answer)
            }
        });
        written.expect("wire types are strings, numbers and plain structs");
    }
}
