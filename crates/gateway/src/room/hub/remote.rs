//! Other nodes, as a hub sends to them and asks them.
//!
//! If the server is the only node, nothing is sent. Start reading at [`Hub::relay_event`].

use std::{sync::Arc, time::Duration};

use doorward_core::{UserId, bus::Channel};
use doorward_protocol::{Arguments, Frame, RawArguments};
use futures_util::future::join;
use serde::de::DeserializeOwned;

use crate::{
    bus::{
        channels::{Held, of_namespace, of_target},
        message::{Content, Question, pack},
        relay::{ANSWERED_WITHIN, Answers, Relay},
        selection::{Target, selection},
    },
    presence::gathered::Gathered,
    room::{
        error::EmitError,
        hub::{Hub, ServerListener},
    },
    runtime::catch::Caught,
};

impl<P> Hub<P> {
    fn relay(&self) -> Option<&Arc<Relay>> {
        self.services().relay.as_ref()
    }

    /// Sends an event to the sockets of other nodes. Does not wait, and does not fail: an event that
    /// cannot be sent is counted.
    pub(super) fn relay_event(
        &self,
        to: Option<&[Target]>,
        except: &[Target],
        frame: &Frame,
        is_volatile: bool,
    ) {
        let Some(relay) = self.relay() else { return };
        let channel = match to {
            Some([]) => return,
            // A socket is connected to one node.
            Some([Target::Socket(id)]) if self.rooms().socket(*id).is_some() => return,
            Some([target]) => of_target(self.namespace(), target),
            _ => of_namespace(self.namespace()),
        };
        let (namespace, selection) = (self.namespace().into(), selection(to, except));
        let content = Content::Emit { namespace, selection, is_volatile };
        relay.send(channel, &content, &[frame.websocket()]);
    }

    /// Asks all other nodes.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        question: Question,
        body: &[u8],
        time: Duration,
    ) -> Answers<T> {
        match self.relay() {
            Some(relay) => relay.ask(question, body, time).await,
            None => Answers::none(),
        }
    }

    /// Makes this node hear the events of other nodes for a room. Returns the channel, or `None` if
    /// there are no other nodes.
    pub(crate) async fn hear(&self, room: &Arc<str>) -> Option<Held> {
        let channel = of_target(self.namespace(), &Target::Room(Arc::clone(room)));
        self.relay()?.hear([channel]).await.pop()
    }

    /// Makes this node hear the events of other nodes for the namespace and for a user. Returns the
    /// channel of the user.
    pub(crate) async fn hear_namespace(&self, user: Option<&UserId>) -> Option<Held> {
        let heard = &self.mounted().heard;
        let own: Option<Channel> = heard.get().is_none().then(|| of_namespace(self.namespace()));
        let user = user.map(|user| of_target(self.namespace(), &user.into()));
        let (is_own, is_user) = (own.is_some(), user.is_some());
        let mut held = self.relay()?.hear(user.into_iter().chain(own)).await;
        if is_own && let Some(own) = held.pop() {
            // Another socket may have been faster. Its channel is the same.
            heard.set(own).ok();
        }
        is_user.then(|| held.pop()).flatten()
    }
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
    /// Nodes that have not confirmed within the time limit of their listeners and 2 s are listed in
    /// [`Gathered::missing`]. Their listeners may have run.
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
