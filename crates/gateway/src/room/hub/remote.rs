//! Other nodes, as a hub sends to them and asks them.
//!
//! If the server is the only node, nothing is sent. Start reading at [`Hub::relay_event`].

use std::{sync::Arc, time::Duration};

use doorward_core::UserId;
use doorward_protocol::Frame;
use futures_util::future::join;
use serde::de::DeserializeOwned;

use crate::{
    bus::{
        channels::{Subscribed, of_namespace, of_target},
        message::{Content, Question},
        relay::{Answers, Relay},
        selection::selection,
        target::Target,
    },
    room::hub::Hub,
};

impl<P> Hub<P> {
    pub(super) fn relay(&self) -> Option<&Arc<Relay>> {
        self.services().relay.as_ref()
    }

    /// Sends an event to the sockets of other nodes. Does not wait, and does not fail: if the bus is
    /// away or its queue is full, the event is dropped and counted.
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

    /// Subscribes to the events of other nodes for a room. Returns the channel, or `None` if there are
    /// no other nodes.
    pub(crate) async fn subscribe_room(&self, room: &Arc<str>) -> Option<Subscribed> {
        let relay = self.relay()?;
        let channel = of_target(self.namespace(), &Target::Room(Arc::clone(room)));
        // An event for several rooms takes the channel of the namespace.
        let (channel, ()) = join(relay.subscribe(channel), self.subscribe_own(relay)).await;
        Some(channel)
    }

    /// Subscribes to the channel of the namespace, once.
    async fn subscribe_own(&self, relay: &Relay) {
        let channel = &self.mounted().channel;
        if channel.get().is_none() {
            // Another socket may be faster. Its channel is the same.
            channel.set(relay.subscribe(of_namespace(self.namespace())).await).ok();
        }
    }

    /// Subscribes to the events of other nodes for the namespace and for a user. Returns the channel
    /// of the user.
    pub(crate) async fn subscribe_namespace(&self, user: Option<&UserId>) -> Option<Subscribed> {
        let relay = self.relay()?;
        let user = async {
            let channel = of_target(self.namespace(), &user?.into());
            Some(relay.subscribe(channel).await)
        };
        join(user, self.subscribe_own(relay)).await.0
    }
}
