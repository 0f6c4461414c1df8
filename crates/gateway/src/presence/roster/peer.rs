//! Another node, as it has sent its presence.

use std::collections::HashSet;

use doorward_core::{NodeId, UserId};

use super::place::Place;

/// Entry as it is sent: namespace, room, user and number of connections.
pub(super) type Line = (Box<str>, Option<Box<str>>, Box<str>, u32);

/// What this node knows of another one.
pub(super) struct Peer {
    pub(super) node: NodeId,
    /// Number of the last change that was applied. `None` until the whole presence has arrived.
    pub(super) number: Option<u64>,
    /// Parts of the whole presence that have arrived, in order.
    pub(super) begun: Vec<Line>,
    /// Number of the sending and of the part that are expected next.
    pub(super) next: Option<(u64, u32)>,
    /// `true` if its whole presence was asked for at the last beat.
    pub(super) was_asked: bool,
    /// Entries of users with connections to that node.
    pub(super) entries: HashSet<(Place, UserId)>,
}

impl Peer {
    pub(super) fn new(node: NodeId) -> Self {
        Self {
            node,
            number: None,
            begun: Vec::new(),
            next: None,
            was_asked: false,
            entries: HashSet::new(),
        }
    }
}
