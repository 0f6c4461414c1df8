//! What is left to do for sockets that have ended.

use crate::{
    checked::Checked,
    state::{Cluster, Node, Socket},
};

/// Notes that the rows of sockets have to be released.
pub(super) fn owe(checked: &Checked, node: &mut Node, sockets: impl IntoIterator<Item = Socket>) {
    if checked.counts() {
        node.owed.extend(sockets.into_iter().map(|socket| socket.number));
    }
}

/// Drops an admission. Its row is released.
pub(super) fn abandon(checked: &Checked, cluster: &mut Cluster, number: usize) {
    let node = &mut cluster.nodes[number];
    if let Some(admission) = node.admission.take() {
        owe(checked, node, [admission.socket]);
    }
}
