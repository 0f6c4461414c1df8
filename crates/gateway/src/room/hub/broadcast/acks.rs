//! Sends an event, and collects the acks of the clients on all nodes.

use std::{collections::HashSet, time::Duration};

use doorward_core::SocketId;
use doorward_protocol::{Arguments, RawArguments};
use futures_util::{StreamExt, future::try_join, stream::FuturesUnordered};
use serde::de::DeserializeOwned;

use crate::{
    bus::{
        message::{Question, pack},
        relay::{ANSWERED_WITHIN, Answers},
    },
    room::{
        acks::{Acks, PendingAck},
        error::{AckError, EmitError},
        hub::broadcast::Broadcast,
        sent_results::SentAck,
    },
    runtime::metrics::Metrics,
};

impl<P> Broadcast<P> {
    /// Sends an event and collects the acks of the clients, on all nodes.
    ///
    /// The future completes when all nodes have answered. Each node answers when its clients have
    /// answered or disconnected, or when the [timeout](Broadcast::timeout) expires. Sockets without an
    /// answer of type `T` are listed in [`Acks::missing`], with the reason. Nodes that have not
    /// answered within 2 s after the timeout are listed in [`Acks::missing_nodes`].
    ///
    /// # Errors
    /// Same as [`Broadcast::emit`].
    ///
    /// # Cancel safety
    /// If the future is dropped after its first poll, the event is still sent. Later answers are
    /// ignored.
    pub async fn emit_with_ack<T: DeserializeOwned>(
        &self,
        event: &str,
        arguments: impl Arguments,
    ) -> Result<Acks<T>, EmitError> {
        self.check_speaker()?;
        let mut acks = Acks { given: Vec::new(), missing: Vec::new(), missing_nodes: Vec::new() };
        if !self.hub.is_mounted() {
            return Ok(acks);
        }
        let time = self.timeout.unwrap_or(self.hub.services().limits.ack_timeout);
        // The sockets of this node come first, so `local_acks` is polled first.
        let local = self.local_acks(event, &arguments, time);
        let (local, elsewhere) = if self.has_other_nodes() {
            let body = pack(&RawArguments::new(&arguments)?);
            let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            let (event, is_volatile) = (event.into(), self.is_volatile);
            let question = |namespace, selection| Question::Acks {
                namespace,
                selection,
                is_volatile,
                event,
                millis,
            };
            let asked = self.ask(question, &body, time.saturating_add(ANSWERED_WITHIN));
            try_join(local, async { Ok(asked.await) }).await?
        } else {
            (local.await?, Answers::none())
        };
        acks.missing_nodes = elsewhere.missing;
        let elsewhere = elsewhere.items.into_iter().filter_map(SentAck::read);
        for (id, answer) in local.into_iter().chain(elsewhere) {
            match answer.and_then(|answer| Ok(answer.decode()?)) {
                Ok(value) => acks.given.push((id, value)),
                Err(error) => acks.missing.push((id, error)),
            }
        }
        Ok(acks)
    }

    /// Sends an event to the sockets of this node, and collects their acks.
    pub(crate) async fn local_acks(
        &self,
        event: &str,
        arguments: &impl Arguments,
        time: Duration,
    ) -> Result<Vec<(SocketId, Result<RawArguments, AckError>)>, EmitError> {
        // All sockets share one ack id, so that the packet is encoded once. Each socket has its own
        // `AckTable`, so their answers cannot be confused.
        let id = self.hub.next_ack();
        let frame = self.hub.frame(event, Some(id), arguments, self.targets())?;
        let mut acks = Vec::new();
        // Sockets that have not answered yet. They cannot be taken from `pending` after the
        // timeout, because its futures return a socket only together with an answer.
        let mut open = HashSet::new();
        let mut pending = FuturesUnordered::new();
        // The pending ack is registered before the packet is posted, so that no answer arrives too
        // early.
        self.for_each(|socket| match socket.ask(id) {
            Ok(ack) if socket.deliver(frame.clone(), self.is_volatile) => {
                open.insert(socket.id());
                pending.push(answer_of(socket.id(), ack));
            }
            Ok(_) => acks.push((socket.id(), Err(AckError::Ended))),
            Err(error) => acks.push((socket.id(), Err(error))),
        });
        let collect = async {
            while let Some((id, answer)) = pending.next().await {
                open.remove(&id);
                acks.push((id, answer));
            }
        };
        if self.hub.services().within(time, collect).await.is_none() {
            Metrics::hit("ack_timeout");
        }
        acks.extend(open.into_iter().map(|id| (id, Err(AckError::Timeout))));
        Ok(acks)
    }
}

async fn answer_of(id: SocketId, ack: PendingAck) -> (SocketId, Result<RawArguments, AckError>) {
    (id, ack.answer().await)
}
