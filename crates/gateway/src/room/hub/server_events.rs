//! Events of the server, for the listeners of all nodes.

use std::sync::Arc;

use doorward_protocol::{Arguments, RawArguments};
use futures_util::future::join;

use crate::{
    bus::{
        message::{Question, pack},
        relay::{ANSWERED_WITHIN, Answers},
    },
    presence::gathered::Gathered,
    room::{
        error::EmitError,
        hub::{Hub, ServerListener},
    },
    runtime::catch::Caught,
};

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
        let arguments = RawArguments::new(&arguments)?;
        if !self.is_mounted() {
            return Ok(Gathered::here(()));
        }
        let listeners = u32::try_from(self.listeners(event).count()).unwrap_or(u32::MAX);
        let time = self.services().limits.handler_timeout.saturating_mul(listeners);
        let (namespace, name) = (self.namespace().into(), event.into());
        let question = Question::ServerEvent { namespace, event: name };
        let body = pack(&arguments);
        let asked = self.ask::<()>(question, &body, time.saturating_add(ANSWERED_WITHIN));
        let (Answers { missing, .. }, ()) = join(asked, self.call(event, arguments)).await;
        Ok(Gathered::with((), missing))
    }

    /// Calls the listeners of an event of the server on this node.
    pub(super) async fn call(&self, event: &str, arguments: RawArguments) {
        for (_, listener) in self.listeners(event) {
            // The listener is called in an async block, because it may panic before it returns its
            // future.
            let told = Caught::new(async { listener(self.clone(), arguments.clone()).await });
            let services = self.services();
            match services.within(services.limits.handler_timeout, told).await {
                Some(Ok(())) => {}
                Some(Err(_)) => tracing::error!(?event, "A listener of server events panicked."),
                None => tracing::error!(?event, "A listener of server events timed out."),
            }
        }
    }

    fn listeners(&self, event: &str) -> impl Iterator<Item = &(Arc<str>, ServerListener<P>)> {
        self.mounted().shared.server_events.iter().filter(move |(name, _)| **name == *event)
    }
}
