//! Clusters: several nodes that act as one server.
//!
//! [`Builder::cluster`](crate::Builder::cluster) makes a server a node of a [`Cluster`], such as
//! that of `doorward-redis`. All nodes of a cluster then share their users, their revocations and
//! the limits on the connections of a user.
//!
//! A node serves authenticated clients while it holds a lease. `membership` joins the cluster and
//! extends the lease, `reading` carries out the orders of other nodes, and `ownership` owns names. Start reading at
//! [`Cluster`].

pub(crate) mod membership;
pub(crate) mod ownership;
pub(crate) mod pause;
pub(crate) mod reading;
#[cfg(test)]
mod tests;

pub use doorward_core::{
    Incarnation, bridge,
    cluster::{
        Answer, Cluster, Joined, LEASE, LEASE_MARGIN, LogEntry, Member, OWNED, Order, Outcome,
        Owned, Position, Receipt, Renewed, SETTLED_AFTER,
    },
};

pub use self::ownership::{Owner, Ownership};
