//! Size of the model, its times, and the faults that may occur.

/// Duration of a lease in ticks.
pub const LEASE: u8 = 3;

/// Ticks by which a node stops before the end of its lease, and after which its lease has lapsed.
pub const MARGIN: u8 = 1;

/// Ticks after which a revocation is settled.
pub const SETTLED_AFTER: u8 = LEASE + MARGIN;

/// Limit on the connections of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// One connection; a further one is refused.
    RefuseNew,
    /// One connection; a further one replaces it.
    ReplaceOldest,
    /// Any number.
    Unlimited,
}

/// Size of the model, and the faults that may occur.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Number of nodes.
    pub nodes: usize,
    /// Policy for the connections of the user.
    pub policy: Policy,
    /// Time at which a run ends.
    pub until: u8,
    /// Maximum number of connections that clients open.
    pub connects: u8,
    /// Maximum number of faults.
    pub faults: u8,
    /// Maximum number of joins of each node.
    pub joins: u8,
    /// `true` if Redis may lose the tail of its data.
    pub loses: bool,
    /// `true` if the list of possible steps contains only those that change something. Random ways need it: the checker
    /// numbers the steps, and cannot show a way if a step was left out later. It takes time.
    pub lists_changes: bool,
}

impl Checked {
    /// Returns `true` for the node that may fail. The others are alike, and always do in one step what they can.
    pub(crate) fn may_fail(&self, node: usize) -> bool {
        node + 1 == self.nodes
    }

    pub(crate) fn counts(&self) -> bool {
        self.policy != Policy::Unlimited
    }
}
