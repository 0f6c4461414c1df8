//! Sends messages to other nodes, and asks them questions.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;
use doorward_core::{
    Clock, Entropy, Incarnation, NodeId,
    bus::{Bus, Channel, Message},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    channels::{Channels, Subscribed, of_all, of_node},
    message::{Content, Envelope, NodeRun, Question},
    peers::Peers,
    publish_queue::PublishQueue,
    questions::Questions,
};
use crate::runtime::within::within;

/// Connection of this node to the others, as the rest of the server uses it.
pub(crate) struct Relay {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) own: NodeRun,
    pub(crate) channels: Arc<Channels>,
    pub(crate) queue: PublishQueue,
    pub(crate) peers: Peers,
    pub(crate) questions: Questions,
}

/// Answers of the other nodes to a question.
pub(crate) struct Answers<T> {
    /// Items of all complete answers.
    pub(crate) items: Vec<T>,
    /// Nodes that have not answered in time.
    pub(crate) missing: Vec<NodeId>,
}

impl<T> Answers<T> {
    /// Returns the answers if there are no other nodes.
    pub(crate) fn none() -> Self {
        Self { items: Vec::new(), missing: Vec::new() }
    }
}

impl Relay {
    pub(crate) fn new(
        clock: &Arc<dyn Clock>,
        entropy: &dyn Entropy,
        node: NodeId,
        bus: Arc<dyn Bus>,
    ) -> Self {
        let own = NodeRun { node, run: Incarnation::generate(entropy) };
        Self {
            clock: Arc::clone(clock),
            bus,
            channels: Arc::new(Channels::new(Arc::clone(clock))),
            queue: PublishQueue::new(),
            peers: Peers::new(own.clone()),
            questions: Questions::new(),
            own,
        }
    }

    /// Subscribes to a channel. Completes when messages on it reach this node, or after
    /// [`SUBSCRIBED_WITHIN`] if the bus does not answer.
    pub(crate) async fn subscribe(&self, channel: Channel) -> Subscribed {
        let (subscribed, waits) = self.channels.subscribe(channel);
        if let Some(waits) = waits {
            within(&*self.clock, SUBSCRIBED_WITHIN, waits).await;
        }
        subscribed
    }

    /// Sends a message to the nodes that hear a channel. Returns `false` if it was dropped.
    pub(crate) fn send(&self, channel: Channel, content: &Content, body: &[&[u8]]) -> bool {
        self.queue.push([self.message(channel, content, body)])
    }

    pub(crate) fn message(&self, channel: Channel, content: &Content, body: &[&[u8]]) -> Message {
        Message { channel, bytes: Envelope::encode(&self.own, content, body) }
    }

    /// Asks all other nodes. Completes when all have answered that were heard lately, or after `time`.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        question: Question,
        body: &[u8],
        time: Duration,
    ) -> Answers<T> {
        let mut waits = self.peers.names();
        if waits.is_empty() && !self.queue.is_up() && !self.peers.knows_members() {
            // The node was never a member. While the cluster does not answer, no node can join.
            waits.insert(NodeId::new(UNKNOWN));
        }
        let mut items = Vec::new();
        let missing = |waits: BTreeSet<NodeId>| waits.into_iter().collect();
        let Some(mut asked) = self.questions.ask() else {
            return Answers { items, missing: missing(waits) };
        };
        let content = Content::Question { id: asked.id, question };
        if !self.send(of_all(), &content, &[body]) {
            return Answers { items, missing: missing(waits) };
        }
        // A node that is silent is asked, and not waited for.
        let audible = self.peers.audible();
        let all = async {
            while waits.iter().any(|node| audible.contains(node)) {
                let answer = asked.next().await;
                if let Some(read) = answer.read() {
                    waits.remove(&answer.node);
                    items.extend(read);
                }
            }
        };
        within(&*self.clock, time, all).await;
        Answers { items, missing: missing(waits) }
    }

    /// Asks one other node. Returns `None` if it was not heard lately, or has not answered after `time`.
    pub(crate) async fn ask_one<T: DeserializeOwned>(
        &self,
        node: &NodeId,
        question: Question,
        body: &[u8],
        time: Duration,
    ) -> Option<Vec<T>> {
        let to = self.peers.audible_run(node)?;
        let mut asked = self.questions.ask()?;
        let content = Content::Question { id: asked.id, question };
        if !self.send(of_node(&to), &content, &[body]) {
            return None;
        }
        within(&*self.clock, time, asked.next()).await?.read()
    }

    /// Tells the other nodes that this one has no client any more, and publishes what waits, for at most
    /// [`ANSWERED_WITHIN`].
    pub(crate) async fn say_farewell(&self) {
        self.send(of_all(), &Content::Farewell, &[]);
        within(&*self.clock, ANSWERED_WITHIN, self.queue.emptied()).await;
    }

    /// Answers a question of another node with a list, in parts of limited size.
    pub(crate) fn answer<T: Serialize>(&self, to: &NodeRun, id: u64, items: &[T]) {
        let parts = in_parts(items);
        let last = parts.len() - 1;
        let channel = of_node(to);
        let parts = parts.iter().zip(0_u32..).map(|(body, part)| {
            let content = Content::Answer { id, part, is_last: part as usize == last };
            self.message(channel.clone(), &content, &[body])
        });
        self.queue.push(parts);
    }
}

/// Returns items as JSON arrays of limited size. There is at least one array.
pub(crate) fn in_parts<T: Serialize>(items: &[T]) -> Vec<Bytes> {
    let mut parts = Vec::new();
    let mut part = vec![b'['];
    for item in items {
        let start = part.len();
        if start > 1 {
            part.push(b',');
        }
        // An item that cannot be written is left out.
        if serde_json::to_writer(&mut part, item).is_err() {
            part.truncate(start);
        }
        if part.len() >= PART {
            part.push(b']');
            parts.push(std::mem::replace(&mut part, vec![b'[']).into());
        }
    }
    if parts.is_empty() || part.len() > 1 {
        part.push(b']');
        parts.push(part.into());
    }
    parts
}

/// Time limit for an answer that needs no client.
pub(crate) const ANSWERED_WITHIN: Duration = Duration::from_secs(2);

/// Time limit for subscribing to a channel. After that, the caller goes on, and may miss messages.
const SUBSCRIBED_WITHIN: Duration = Duration::from_secs(1);

/// Name in place of those of other nodes, if this node was never connected to them.
const UNKNOWN: &str = "(other nodes)";

/// Size from which a part of an answer is sent, in bytes.
const PART: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sent_in_parts() {
        let text = "x".repeat(PART / 2);
        let items = vec![text; 5];

        let parts = in_parts(&items);

        let read = |part: &Bytes| serde_json::from_slice::<Vec<String>>(part).unwrap();
        assert_eq!(parts.iter().map(|part| read(part).len()).collect::<Vec<_>>(), [2, 2, 1]);
        assert_eq!(in_parts::<u8>(&[]), ["[]"]);
    }
}
