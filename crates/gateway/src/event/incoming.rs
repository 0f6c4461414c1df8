//! An event of a client, borrowed from the receive buffer or copied out of it.

use std::sync::Arc;

use bytes::Bytes;
use doorward_core::DecisionId;

use crate::{event::context::EventContext, room::socket::Socket};

/// An event of an admitted client, borrowed from the buffer of its link.
///
/// The buffer is reused for the next message, so an event that has to wait is copied into [`Stored`].
pub(crate) struct Incoming<'a> {
    pub(crate) event: &'a str,
    pub(crate) data: &'a str,
    pub(crate) attachments: Vec<Bytes>,
    pub(crate) ack: Option<u64>,
    /// Id in the tracing span of the event; `None` if the span is disabled.
    pub(crate) id: Option<DecisionId>,
}

/// Owned copy of an [`Incoming`] event. It is made if a guard may wait or if there are interceptors,
/// because the receive buffer may be reused before they are done.
pub(crate) struct Stored<P> {
    pub(super) socket: Socket<P>,
    pub(super) name: Arc<str>,
    pub(super) data: Box<str>,
    pub(super) attachments: Vec<Bytes>,
    pub(super) asked: bool,
    id: Option<DecisionId>,
}

impl<P> Stored<P> {
    pub(super) fn new(socket: &Socket<P>, name: Arc<str>, incoming: Incoming<'_>) -> Self {
        let Incoming { data, attachments, ack, id, .. } = incoming;
        let (socket, data, asked) = (socket.clone(), data.into(), ack.is_some());
        Self { socket, name, data, attachments, asked, id }
    }

    pub(super) fn context(&self) -> EventContext<'_, P> {
        let Self { socket, name, data, attachments, asked, id } = self;
        EventContext::new(socket, name, data, attachments, *asked, *id)
    }
}
