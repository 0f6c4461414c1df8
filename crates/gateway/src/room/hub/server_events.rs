//! Events of the server, for the listeners of all nodes or of one.

use std::{future::Future, sync::Arc, time::Duration};

use doorward_core::NodeId;
use doorward_protocol::{Arguments, RawArguments};
use futures_util::future::join;
use serde::{
    Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    bus::{
        message::{Question, pack},
        relay::{ANSWERED_WITHIN, Answers},
    },
    presence::gathered::Gathered,
    room::{
        error::{AskNodeError, EmitError},
        hub::{Hub, ServerListener},
    },
    runtime::catch::Caught,
};

/// Returns a function of the application as a listener.
pub(crate) fn server_listener<P, T, R, F, Fut>(event: Arc<str>, listener: F) -> ServerListener<P>
where
    T: DeserializeOwned + Send + 'static,
    R: Serialize + 'static,
    F: Fn(Hub<P>, T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = R> + Send + 'static,
{
    Box::new(move |hub, arguments: RawArguments| match arguments.decode() {
        Ok(value) => {
            let (answer, event) = (listener(hub, value), Arc::clone(&event));
            Box::pin(async move {
                let written = to_raw_value(&answer.await);
                if let Err(error) = &written {
                    tracing::error!(?event, %error, "The answer to a server event cannot be written as JSON.");
                }
                written.ok()
            })
        }
        Err(error) => {
            let cause = &error as &dyn std::error::Error;
            tracing::error!(?event, error = cause, "A server event cannot be decoded.");
            Box::pin(async { None })
        }
    })
}

impl<P: Send + Sync + 'static> Hub<P> {
    /// Sends an event to every node, and completes when the listeners on all nodes have completed.
    ///
    /// [`Gateway::on_server_event`](crate::Gateway::on_server_event) adds a listener. The listeners
    /// of a node run one after the other, each for at most
    /// [`Limits::handler_timeout`](crate::Limits::handler_timeout). A panic or a timeout is logged.
    /// Unlike in Socket.IO for Node.js, the sending server receives the event too, so that an
    /// application behaves the same with one node and with several. In a namespace that a pattern
    /// opens, a node without a client of the namespace has no listeners.
    ///
    /// Nodes that have not confirmed within the time limit of the listeners of this node and 2 s are
    /// listed in [`Gathered::missing`]. Their listeners may have run.
    ///
    /// # Errors
    /// [`EmitError::Payload`] if `arguments` cannot be written as JSON. This is a mistake of the
    /// program.
    ///
    /// # Cancel safety
    /// Dropping the future drops the listener that is running on this node. The listeners after it
    /// are not called. The other nodes are told at the first poll.
    pub async fn server_side_emit(
        &self,
        event: &str,
        arguments: impl Arguments,
    ) -> Result<Gathered<()>, EmitError> {
        let answers = self.server_side_emit_with_ack::<IgnoredAny>(event, arguments).await?;
        Ok(Gathered::with((), answers.missing))
    }

    /// Sends an event to every node as [`server_side_emit`](Hub::server_side_emit) does, and returns what the
    /// listeners have returned.
    ///
    /// A listener that panics or times out has no answer. A node whose answers cannot be decoded into a `T` is
    /// listed in [`Gathered::missing`].
    ///
    /// # Errors
    /// Same as [`server_side_emit`](Hub::server_side_emit).
    ///
    /// # Cancel safety
    /// Same as [`server_side_emit`](Hub::server_side_emit).
    ///
    /// # Examples
    /// ```
    /// use doorward::prelude::*;
    ///
    /// /// Returns the number of games on all nodes that have answered. Each node has a listener that returns its own.
    /// async fn games(hub: &Hub<Claims>) -> Result<u64, EmitError> {
    ///     let games = hub.server_side_emit_with_ack::<u64>("games", ()).await?;
    ///     Ok(games.value.iter().sum())
    /// }
    /// ```
    pub async fn server_side_emit_with_ack<T: DeserializeOwned>(
        &self,
        event: &str,
        arguments: impl Arguments,
    ) -> Result<Gathered<Vec<T>>, EmitError> {
        let arguments = RawArguments::new(&arguments)?;
        if !self.is_mounted() {
            return Ok(Gathered::here(Vec::new()));
        }
        let (question, body) = (self.server_event(event), pack(&arguments));
        let asked = self.ask::<T>(question, &body, self.listeners_time(event));
        let (others, own) = join(asked, self.call(event, arguments)).await;
        let Answers { mut items, mut missing } = others;
        match decoded(&own) {
            Ok(own) => items.extend(own),
            Err(error) => {
                tracing::debug!(?event, %error, "The answer of this node cannot be read.");
                missing.push(self.services().node.clone());
            }
        }
        Ok(Gathered::with(items, missing))
    }

    /// Sends an event to the listeners of one node, and returns the answer of the first one.
    ///
    /// [`Gateway::on_server_event`](crate::Gateway::on_server_event) adds a listener. With the name of this node,
    /// its own listeners are called. Use it with [`Hub::own`] to pass a request to the node that owns something.
    ///
    /// # Errors
    /// - [`AskNodeError::NoAnswer`] if the node was silent for the last four to six seconds, or does not answer
    ///   within the time limit of the listeners and 2 s, or has no listener. The listener may have run.
    /// - [`AskNodeError::Answer`] if the answer cannot be decoded into a `T`.
    /// - [`AskNodeError::Payload`] if `arguments` cannot be written as JSON. This is a mistake of the program.
    ///
    /// # Cancel safety
    /// If the future is dropped, the listener of another node carries on, and that of this node is dropped.
    ///
    /// # Examples
    /// ```
    /// use doorward::{access::NodeId, prelude::*};
    ///
    /// /// Adds a bid on the node that runs the auction.
    /// async fn bid(hub: &Hub<Claims>, node: &NodeId, auction: &str, amount: u64) -> Result<bool, BoxError> {
    ///     Ok(hub.ask_node(node, "bid", (auction, amount)).await?)
    /// }
    /// ```
    pub async fn ask_node<T: DeserializeOwned>(
        &self,
        node: &NodeId,
        event: &str,
        arguments: impl Arguments,
    ) -> Result<T, AskNodeError> {
        let arguments = RawArguments::new(&arguments)?;
        if !self.is_mounted() {
            return Err(AskNodeError::NoAnswer);
        }
        if *node == self.services().node {
            let own = self.call(event, arguments).await;
            let first = own.first().ok_or(AskNodeError::NoAnswer)?;
            return serde_json::from_str(first.get()).map_err(AskNodeError::Answer);
        }
        let relay = self.relay().ok_or(AskNodeError::NoAnswer)?;
        let (question, time) = (self.server_event(event), self.listeners_time(event));
        let answers = relay.ask_one::<Box<RawValue>>(node, question, &pack(&arguments), time).await;
        let answers = answers.ok_or(AskNodeError::NoAnswer)?;
        let first = answers.first().ok_or(AskNodeError::NoAnswer)?;
        serde_json::from_str(first.get()).map_err(AskNodeError::Answer)
    }

    fn server_event(&self, event: &str) -> Question {
        Question::ServerEvent { namespace: self.namespace().into(), event: event.into() }
    }

    /// Returns the time limit for the listeners of an event on another node.
    fn listeners_time(&self, event: &str) -> Duration {
        let listeners = u32::try_from(self.listeners(event).count()).unwrap_or(u32::MAX);
        let time = self.services().limits.handler_timeout.saturating_mul(listeners);
        time.saturating_add(ANSWERED_WITHIN)
    }

    /// Calls the listeners of an event of the server on this node, and returns their answers.
    pub(super) async fn call(&self, event: &str, arguments: RawArguments) -> Vec<Box<RawValue>> {
        let mut answers = Vec::new();
        for (_, listener) in self.listeners(event) {
            // The listener is called in an async block, because it may panic before it returns its
            // future.
            let told = Caught::new(async { listener(self.clone(), arguments.clone()).await });
            let services = self.services();
            match services.within(services.limits.handler_timeout, told).await {
                Some(Ok(answer)) => answers.extend(answer),
                Some(Err(_)) => tracing::error!(?event, "A listener of server events panicked."),
                None => tracing::error!(?event, "A listener of server events timed out."),
            }
        }
        answers
    }

    fn listeners(&self, event: &str) -> impl Iterator<Item = &(Arc<str>, ServerListener<P>)> {
        self.mounted().shared.server_events.iter().filter(move |(name, _)| **name == *event)
    }
}

fn decoded<T: DeserializeOwned>(answers: &[Box<RawValue>]) -> serde_json::Result<Vec<T>> {
    answers.iter().map(|answer| serde_json::from_str(answer.get())).collect()
}
