//! Does for the sockets of this node what other nodes ask.
//!
//! Start reading at [`RemoteHub`].

use std::time::Duration;

use bytes::Bytes;
use doorward_core::{BoxFuture, bridge};
use doorward_protocol::Frame;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    bus::{
        bridged::Unbridged,
        message::{Question, unpack},
        selection::Selection,
    },
    presence::{described::Described, roster::Change},
    room::{
        hub::{Hub, broadcast::Broadcast},
        presence::PresenceChange,
        sent_results::{SentAck, SentJoin},
        socket::Socket,
    },
    runtime::catch::Caught,
};

/// Hub without the type of its principal, for messages of other nodes and changes of the presence.
pub(crate) trait RemoteHub: Send + Sync {
    /// Sends an event to sockets of this node. Does nothing if the selection cannot be read.
    fn deliver(&self, selection: &Selection, frame: &Frame, is_volatile: bool);
    /// Answers a question about this namespace with a list. What needs no waiting is done at the
    /// first poll.
    fn answer(&self, question: Question, body: Bytes) -> BoxFuture<'static, Vec<Box<RawValue>>>;
    /// Sends an event of a server that is no node to sockets of this node.
    fn take_bridged(&self, event: &bridge::Broadcast) -> Result<(), Unbridged>;
    /// Answers a question of a server that is no node.
    fn answer_bridged(&self, question: &bridge::Question) -> bridge::Answer;
    /// Calls the hooks for a change of the presence.
    fn tell(&self, change: &Change) -> BoxFuture<'static, ()>;
}

impl<P: Send + Sync + 'static> RemoteHub for Hub<P> {
    fn deliver(&self, selection: &Selection, frame: &Frame, is_volatile: bool) {
        if let Some(broadcast) = Broadcast::of(self, selection) {
            broadcast.for_each(|socket| {
                socket.deliver(frame.clone(), is_volatile);
            });
        }
    }

    fn answer(&self, question: Question, body: Bytes) -> BoxFuture<'static, Vec<Box<RawValue>>> {
        let hub = self.clone();
        Box::pin(async move { answer(&hub, question, body).await.unwrap_or_default() })
    }

    fn take_bridged(&self, event: &bridge::Broadcast) -> Result<(), Unbridged> {
        Self::take_bridged(self, event)
    }

    fn answer_bridged(&self, question: &bridge::Question) -> bridge::Answer {
        Self::answer_bridged(self, question)
    }

    fn tell(&self, change: &Change) -> BoxFuture<'static, ()> {
        let (hub, change) = (self.clone(), change.clone());
        Box::pin(async move {
            let Change { place, user, is_present } = change;
            let change = PresenceChange::new(user, place.room, is_present);
            let services = hub.services();
            for hook in &hub.mounted().shared.presence {
                let told = Caught::new(async { hook(hub.clone(), change.clone()).await });
                match services.within(services.limits.handler_timeout, told).await {
                    Some(Ok(())) => {}
                    Some(Err(_)) => tracing::error!("A presence hook panicked."),
                    None => tracing::error!("A presence hook timed out."),
                }
            }
        })
    }
}

/// Returns the answer of this node. Returns `None` if the question cannot be read.
async fn answer<P: Send + Sync + 'static>(
    hub: &Hub<P>,
    question: Question,
    body: Bytes,
) -> Option<Vec<Box<RawValue>>> {
    let selected = |selection| Broadcast::of(hub, &selection);
    Some(match question {
        Question::Acks { selection, is_volatile, event, millis, .. } => {
            let (arguments, time) = (unpack(body)?, Duration::from_millis(millis));
            let mut broadcast = selected(selection)?;
            broadcast.is_volatile = is_volatile;
            let acks = broadcast.local_acks(&event, &arguments, time).await.ok()?;
            list(acks.iter().map(|(socket, answer)| SentAck::new(*socket, answer)))
        }
        Question::Disconnect { selection, .. } => list([selected(selection)?.disconnect_local()]),
        Question::Fetch { selection, .. } => {
            let sockets = selected(selection)?.local_sockets();
            list(sockets.iter().map(Socket::describe).map(|info| Described::from(&info)))
        }
        Question::Join { selection, room, .. } => {
            let denied = selected(selection)?.join_local(&room).await;
            list(denied.iter().map(|(socket, error)| SentJoin::new(*socket, error)))
        }
        Question::Leave { selection, room, .. } => list([selected(selection)?.leave_local(&room)]),
        Question::ServerEvent { event, .. } => hub.call(&event, unpack(body)?).await,
        Question::Nodes | Question::Sockets { .. } => return None,
    })
}

fn list<T: Serialize>(items: impl IntoIterator<Item = T>) -> Vec<Box<RawValue>> {
    items.into_iter().filter_map(|item| to_raw_value(&item).ok()).collect()
}
