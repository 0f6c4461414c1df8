//! Pending acks of events that were emitted to a client.
//!
//! An ack is pending until the client answers, the socket closes, or the caller drops the
//! [`PendingAck`]. Start reading at [`AckTable::ask`].

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use doorward_core::{NodeId, SocketId, lock};
use doorward_protocol::RawArguments;
use tokio::sync::oneshot;

use crate::{presence::mailbox::LinkHandle, room::error::AckError, runtime::metrics::Metrics};

/// Pending acks of one socket, by the id with which the client answers.
#[derive(Default)]
pub(crate) struct AckTable {
    /// Pending acks, by id. The lock is held for one change.
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    open: HashMap<u64, oneshot::Sender<RawArguments>>,
    /// `true` if the socket has closed. Further requests for acks are rejected.
    has_ended: bool,
}

/// A pending ack, with which the caller waits for the answer of the client. If it is dropped, a
/// later ack of the client is ignored.
pub(crate) struct PendingAck {
    acks: Arc<AckTable>,
    link: Arc<LinkHandle>,
    id: u64,
    answer: oneshot::Receiver<RawArguments>,
}

impl AckTable {
    /// Registers a pending ack under `id`. Fails if the socket has closed, or if `limit` acks are
    /// pending.
    pub(crate) fn ask(
        self: &Arc<Self>,
        id: u64,
        link: &Arc<LinkHandle>,
        limit: usize,
    ) -> Result<PendingAck, AckError> {
        let (sender, answer) = oneshot::channel();
        let mut table = lock(&self.table);
        if table.has_ended {
            return Err(AckError::Ended);
        }
        if table.open.len() >= limit {
            Metrics::hit("open_acks");
            return Err(AckError::TooMany);
        }
        table.open.insert(id, sender);
        drop(table);
        // Incremented before the `PendingAck` exists, because dropping it decrements this counter.
        link.awaits_ack();
        Ok(PendingAck { acks: Arc::clone(self), link: Arc::clone(link), id, answer })
    }

    /// Passes an ack of the client to the caller that waits for it. An ack with an unknown id is
    /// ignored, because the client may be late or may have invented the id.
    pub(crate) fn answer(&self, id: u64, arguments: RawArguments) {
        let Some(pending) = lock(&self.table).open.remove(&id) else { return };
        // Fails if the caller no longer waits.
        pending.send(arguments).err();
    }

    /// Cancels all pending acks. Their callers receive [`AckError::Ended`]. A second call does
    /// nothing.
    pub(crate) fn end(&self) {
        let mut table = lock(&self.table);
        table.has_ended = true;
        let open = std::mem::take(&mut table.open);
        // The lock is released before the senders are dropped, because dropping them wakes the
        // waiting tasks.
        drop(table);
        drop(open);
    }
}

impl PendingAck {
    /// Waits for the ack, and returns its arguments. Fails with [`AckError::Ended`] if the socket
    /// closes first.
    pub(crate) async fn answer(mut self) -> Result<RawArguments, AckError> {
        (&mut self.answer).await.map_err(|_ended| AckError::Ended)
    }
}

impl Drop for PendingAck {
    fn drop(&mut self) {
        // The guard of the lock is dropped at the end of this statement, before the sender is
        // dropped.
        let pending = lock(&self.acks.table).open.remove(&self.id);
        drop(pending);
        self.link.awaits_ack_no_more();
    }
}

/// Acks of the clients that received one event.
///
/// [`Broadcast::emit_with_ack`](crate::Broadcast::emit_with_ack) returns this value. Every selected
/// socket of a node that has answered is listed once, in `given` or in `missing`.
///
/// # Examples
/// ```
/// fn votes(answers: &doorward::room::Acks<bool>) -> usize {
///     answers.given.iter().filter(|(_, yes)| *yes).count()
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Acks<T> {
    /// Sockets that answered, with their answers.
    pub given: Vec<(SocketId, T)>,
    /// Sockets without a valid answer, with the reason.
    pub missing: Vec<(SocketId, AckError)>,
    /// Nodes that have not answered in time. Their sockets are not listed, and may have received the
    /// event.
    pub missing_nodes: Vec<NodeId>,
}
