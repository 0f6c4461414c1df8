//! Other nodes, as this node hears them on the bus.
//!
//! Every node publishes a message every two seconds, its *beat*, and receives it too. While its own
//! beat does not arrive, a node does not count others as silent. Start reading at [`Peers::beat`].

use std::{
    collections::{BTreeSet, HashMap},
    sync::Mutex,
    time::Duration,
};

use doorward_core::{Incarnation, NodeId, lock};
use metrics::{Gauge, gauge};

use super::message::NodeRun;

/// Other nodes that this node hears.
pub(crate) struct Peers {
    own: NodeRun,
    state: Mutex<State>,
    gauge: Gauge,
}

#[derive(Default)]
struct State {
    /// Number of the last beat that was sent.
    sent: u64,
    /// Number of the last own beat that was received.
    heard: u64,
    /// Number of own beats that were received.
    beats: u64,
    /// Number of messages of other nodes that were received.
    messages: u64,
    /// Number of beats in a row that were not received in time.
    late: u64,
    /// `true` if a message has arrived since the last beat.
    is_receiving: bool,
    peers: HashMap<Incarnation, Peer>,
    /// Members of the cluster, as of the last extension of the lease.
    members: Vec<NodeId>,
}

impl State {
    fn hears(&self, peer: &Peer) -> bool {
        self.beats.saturating_sub(peer.beat) < QUIET_BEATS
    }
}

/// What is known of the sender of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It is heard for the first time.
    First,
    Again,
    /// There are too many nodes to remember it.
    TooMany,
}

struct Peer {
    node: NodeId,
    /// Number of own beats that were received before the last message of the peer.
    beat: u64,
    /// Number of messages of all peers that had been received with the last one of this peer.
    last_message: u64,
    /// `true` if it has no client any more.
    has_left: bool,
}

impl Peers {
    pub(crate) fn new(own: NodeRun) -> Self {
        Self { own, state: Mutex::default(), gauge: gauge!(PEERS) }
    }

    /// Returns the number of the next beat. Returns `None` if the last one was not received, and no other
    /// message was. A node that is busy receives its beat late, for up to [`MAX_LATE`] beats.
    pub(crate) fn beat(&self) -> Option<u64> {
        let mut state = lock(&self.state);
        let is_receiving = std::mem::take(&mut state.is_receiving);
        if state.sent > state.heard {
            state.late += 1;
            if !is_receiving || state.late > MAX_LATE {
                return None;
            }
        }
        state.sent += 1;
        Some(state.sent)
    }

    /// Records that a message has arrived.
    pub(crate) fn received(&self) {
        lock(&self.state).is_receiving = true;
    }

    /// Begins again after the connection was replaced.
    pub(crate) fn reconnect(&self) {
        let mut state = lock(&self.state);
        (state.sent, state.late) = (state.heard, 0);
    }

    /// Records an own beat.
    pub(crate) fn received_own_beat(&self, number: u64) {
        let mut state = lock(&self.state);
        if number > state.heard && number <= state.sent {
            (state.heard, state.late) = (number, 0);
            state.beats += 1;
        }
    }

    /// Records a message of another node.
    pub(crate) fn heard(&self, from: &NodeRun) -> Heard {
        let mut state = lock(&self.state);
        state.messages += 1;
        let (beat, last_message) = (state.beats, state.messages);
        if let Some(peer) = state.peers.get_mut(&from.run) {
            (peer.beat, peer.last_message) = (beat, last_message);
            return Heard::Again;
        }
        if state.peers.len() >= MAX_PEERS {
            return Heard::TooMany;
        }
        if from.node == self.own.node {
            tracing::warn!(
                node = %from.node,
                run = %from.run,
                "Another node has the name of this one, or this one was started again: each node needs a name of its \
                 own (cluster.node)."
            );
        }
        state.peers.insert(
            from.run,
            Peer { node: from.node.clone(), beat, last_message, has_left: false },
        );
        self.gauge.set(state.peers.len() as f64);
        drop(state);
        tracing::info!(node = %from.node, run = %from.run, "Hears another node.");
        Heard::First
    }

    /// Removes the nodes that were silent for [`SILENT_BEATS`] own beats, and returns them.
    pub(crate) fn take_silent(&self) -> Vec<Incarnation> {
        let mut state = lock(&self.state);
        let now = state.beats;
        let silent: Vec<_> = state
            .peers
            .extract_if(|_, peer| now.saturating_sub(peer.beat) >= SILENT_BEATS)
            .collect();
        self.gauge.set(state.peers.len() as f64);
        drop(state);
        for (run, peer) in &silent {
            tracing::info!(node = %peer.node, %run, "Does not hear another node any more.");
        }
        silent.into_iter().map(|(run, _)| run).collect()
    }

    /// Returns `true` until this node has received four of its own beats.
    pub(crate) fn is_new(&self) -> bool {
        lock(&self.state).beats < SILENT_BEATS
    }

    /// Sets the nodes of the cluster.
    pub(crate) fn set_members(&self, members: impl IntoIterator<Item = NodeId>) {
        lock(&self.state).members = members.into_iter().collect();
    }

    /// Returns the names of the nodes that have been heard lately. There is no use in waiting for others.
    pub(crate) fn audible(&self) -> BTreeSet<NodeId> {
        let state = lock(&self.state);
        let audible = state.peers.values().filter(|peer| state.hears(peer));
        audible.map(|peer| peer.node.clone()).collect()
    }

    /// Returns the run of a node, if the node has been heard lately.
    pub(crate) fn audible_run(&self, node: &NodeId) -> Option<NodeRun> {
        let state = lock(&self.state);
        let runs = state.peers.iter().filter(|(_, peer)| peer.node == *node && state.hears(peer));
        // A node that was started again is known by two runs for some seconds.
        let (run, peer) = runs.max_by_key(|(_, peer)| peer.last_message)?;
        Some(NodeRun { node: peer.node.clone(), run: *run })
    }

    /// Records that a node has no client any more. Questions to all nodes leave it out, and it is removed when it is silent.
    pub(crate) fn has_left(&self, from: &NodeRun) {
        if let Some(peer) = lock(&self.state).peers.get_mut(&from.run) {
            peer.has_left = true;
        }
    }

    /// Returns `true` if this node has been told the members of the cluster.
    pub(crate) fn knows_members(&self) -> bool {
        !lock(&self.state).members.is_empty()
    }

    /// Returns `true` if this node hears others.
    pub(crate) fn has_any(&self) -> bool {
        !lock(&self.state).peers.is_empty()
    }

    /// Returns the names of all other nodes that must answer: those that were heard, and the members of
    /// the cluster.
    pub(crate) fn names(&self) -> BTreeSet<NodeId> {
        let state = lock(&self.state);
        let named = |has_left| {
            let peers = state.peers.values().filter(move |peer| peer.has_left == has_left);
            peers.map(|peer| &peer.node)
        };
        let mut all: BTreeSet<_> = state.members.iter().collect();
        all.retain(|node| !named(true).any(|left| left == *node));
        all.extend(named(false));
        all.remove(&self.own.node);
        all.into_iter().cloned().collect()
    }
}

/// Time from one beat to the next one.
pub(crate) const BEAT: Duration = Duration::from_secs(2);

/// Number of own beats after which a silent node is removed: after 8 to 10 s. The clients of a node
/// that is restarted are back by then.
const SILENT_BEATS: u64 = 4;

/// Number of own beats after which the answer of a silent node is not waited for: after 4 to 6 s.
const QUIET_BEATS: u64 = 2;

/// Number of beats for which a node that receives messages waits for its own beat: 10 s.
const MAX_LATE: u64 = 5;

/// Maximum number of nodes.
const MAX_PEERS: usize = 1024;

const PEERS: &str = "doorward_bus_nodes";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::system::OsEntropy;

    fn sender(name: &str) -> NodeRun {
        NodeRun { node: NodeId::new(name), run: Incarnation::generate(&OsEntropy) }
    }

    #[test]
    fn a_silent_node_is_gone_after_four_beats_that_were_heard() {
        let peers = Peers::new(sender("n0"));
        let other = sender("n1");
        assert_eq!(peers.heard(&other), Heard::First);
        for number in 1..=3 {
            assert_eq!(peers.beat(), Some(number));
            peers.received_own_beat(number);
            assert_eq!(peers.take_silent(), []);
        }
        // This node is deaf: it does not judge others.
        assert_eq!(peers.beat(), Some(4));
        for _ in 0..10 {
            assert_eq!(peers.beat(), None);
            assert_eq!(peers.take_silent(), []);
        }
        peers.reconnect();
        assert_eq!(peers.beat(), Some(4));

        peers.received_own_beat(4);

        assert_eq!(peers.take_silent(), [other.run]);
        assert_eq!(peers.names().len(), 0);
    }

    #[test]
    fn a_busy_node_waits_for_its_beat() {
        let peers = Peers::new(sender("n0"));
        assert_eq!(peers.beat(), Some(1));
        for number in 2..=MAX_LATE + 1 {
            peers.received();
            assert_eq!(peers.beat(), Some(number));
        }
        peers.received();
        assert_eq!(peers.beat(), None, "it is too late");
        peers.reconnect();
        assert_eq!(peers.beat(), Some(1));
        peers.received();
        assert_eq!(peers.beat(), Some(2));
        peers.received_own_beat(2);
        assert_eq!(peers.beat(), Some(3));
    }

    #[test]
    fn a_beat_that_was_not_sent_is_not_heard() {
        let peers = Peers::new(sender("n0"));
        peers.received_own_beat(7);
        assert_eq!(peers.beat(), Some(1));
        assert_eq!(peers.beat(), None);
    }

    #[test]
    fn all_other_nodes_are_named() {
        let peers = Peers::new(sender("n0"));
        peers.heard(&sender("n1"));
        peers.set_members(["n0", "n1", "n2"].map(NodeId::new));

        assert_eq!(peers.names(), BTreeSet::from(["n1", "n2"].map(NodeId::new)));
        let second = sender("n2");
        peers.heard(&second);
        peers.has_left(&second);
        assert_eq!(peers.names(), BTreeSet::from([NodeId::new("n1")]));
        // It was started again.
        peers.heard(&sender("n2"));
        assert_eq!(peers.names().len(), 2);
        for number in 1..=QUIET_BEATS {
            assert_eq!(peers.audible().len(), 2);
            peers.beat();
            peers.received_own_beat(number);
        }
        peers.heard(&sender("n3"));
        assert_eq!(peers.audible(), BTreeSet::from([NodeId::new("n3")]));
    }

    #[test]
    fn there_is_a_limit_to_the_number_of_nodes() {
        let peers = Peers::new(sender("n0"));
        let all: Vec<_> =
            (0..=MAX_PEERS).map(|number| peers.heard(&sender(&number.to_string()))).collect();

        let known = all.iter().filter(|heard| **heard == Heard::First);
        assert_eq!(known.count(), MAX_PEERS);
    }
}
