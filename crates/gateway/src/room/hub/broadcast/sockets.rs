//! Describes, moves and disconnects the selected sockets, on all nodes.

use std::time::Duration;

use doorward_core::{DisconnectReason, SocketId};
use futures_util::future::join;
use serde::de::DeserializeOwned;

use crate::{
    bus::{
        message::Question,
        relay::{ANSWERED_WITHIN, Answers},
        selection::{Selection, selection},
    },
    presence::{described::Described, gathered::Gathered, resident::SocketInfo},
    room::{error::JoinError, hub::broadcast::Broadcast, sent_results::SentJoin, socket::Socket},
};

impl<P> Broadcast<P> {
    /// Returns descriptions of the selected sockets on every node.
    ///
    /// To get the sockets themselves, use [`local_sockets`](Broadcast::local_sockets). Nodes that
    /// have not answered within 2 s are listed in [`Gathered::missing`].
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn fetch_sockets(&self) -> Gathered<Vec<SocketInfo>> {
        let mut all: Vec<_> = self.local_sockets().iter().map(Socket::describe).collect();
        let asked = self.ask(
            |namespace, selection| Question::Fetch { namespace, selection },
            &[],
            ANSWERED_WITHIN,
        );
        let Answers { items, missing } = asked.await;
        all.extend(items.into_iter().filter_map(Described::read));
        Gathered::with(all, missing)
    }

    /// Removes the selected sockets from a room, on all nodes. Returns the number of sockets that were
    /// in the room.
    ///
    /// Guards are not called. If a selected socket is joining the room at the same time, its join
    /// is checked again. Nodes that have not answered within 2 s are listed in
    /// [`Gathered::missing`].
    ///
    /// # Cancel safety
    /// Sockets of this node leave at the first poll of the future, and the other nodes are told then.
    pub async fn sockets_leave(&self, room: &str) -> Gathered<usize> {
        let here = self.leave_local(room);
        let question =
            |namespace, selection| Question::Leave { namespace, selection, room: room.into() };
        let Answers { items, missing } = self.ask::<usize>(question, &[], ANSWERED_WITHIN).await;
        Gathered::with(here + items.iter().sum::<usize>(), missing)
    }

    pub(crate) fn leave_local(&self, room: &str) -> usize {
        self.local_sockets().iter().filter(|socket| socket.part(room)).count()
    }

    /// Disconnects the selected sockets, on all nodes, and returns their number.
    ///
    /// The clients receive `io server disconnect` and do not reconnect automatically. The future
    /// does not wait until the sockets have ended. Use [`Socket::closed`] for that. Nodes that have
    /// not answered within 2 s are listed in [`Gathered::missing`].
    ///
    /// # Cancel safety
    /// Sockets of this node are told to end at the first poll of the future, and the other nodes are
    /// told then.
    pub async fn disconnect_sockets(&self) -> Gathered<usize> {
        let here = self.disconnect_local();
        let question = |namespace, selection| Question::Disconnect { namespace, selection };
        let Answers { items, missing } = self.ask::<usize>(question, &[], ANSWERED_WITHIN).await;
        Gathered::with(here + items.iter().sum::<usize>(), missing)
    }

    pub(crate) fn disconnect_local(&self) -> usize {
        let sockets = self.local_sockets();
        for socket in &sockets {
            socket.end_for(DisconnectReason::ServerLeft);
        }
        sockets.len()
    }

    /// Returns `true` if the selection may contain sockets of other nodes.
    pub(crate) fn has_other_nodes(&self) -> bool {
        !self.is_local && self.hub.is_mounted() && self.hub.services().relay.is_some()
    }

    /// Asks the other nodes about the selected sockets.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        question: impl FnOnce(Box<str>, Selection) -> Question,
        body: &[u8],
        time: Duration,
    ) -> Answers<T> {
        if !self.has_other_nodes() {
            return Answers::none();
        }
        let selection = selection(self.to.as_deref(), &self.except);
        let question = question(self.hub.namespace().into(), selection);
        self.hub.ask(question, body, time).await
    }
}

impl<P: Send + Sync + 'static> Broadcast<P> {
    /// Makes the selected sockets join a room, on all nodes. Returns the sockets that could not join,
    /// with the reason.
    ///
    /// As in [`Socket::join`], guards and the policies of the room decide for each socket. The
    /// sockets of a node join one after the other. If a guard or a policy has denied a join on another
    /// node, the code of the refusal is `forbidden`. Nodes that have not answered within 5 s are listed
    /// in [`Gathered::missing`].
    ///
    /// # Cancel safety
    /// If the future is dropped, sockets that have joined stay in the room, and the other sockets of
    /// this node do not join. Other nodes are asked at the first poll, and carry on.
    pub async fn sockets_join(&self, room: &str) -> Gathered<Vec<(SocketId, JoinError)>> {
        let question =
            |namespace, selection| Question::Join { namespace, selection, room: room.into() };
        let asked = self.ask(question, &[], JOINED_WITHIN);
        let (mut denied, elsewhere) = join(self.join_local(room), asked).await;
        denied.extend(elsewhere.items.into_iter().filter_map(SentJoin::read));
        Gathered::with(denied, elsewhere.missing)
    }

    pub(crate) async fn join_local(&self, room: &str) -> Vec<(SocketId, JoinError)> {
        let mut denied = Vec::new();
        for socket in self.local_sockets() {
            if let Err(error) = socket.join(room).await {
                denied.push((socket.id(), error));
            }
        }
        denied
    }
}

/// Time limit for the sockets of another node to join a room.
const JOINED_WITHIN: Duration = Duration::from_secs(5);
