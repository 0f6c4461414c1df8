//! Messages between the nodes of a cluster: events for sockets of other nodes, questions, and the
//! presence of users.
//!
//! `relay` sends and asks. `channels` lists the channels that this node must hear. `relaying` runs the connection. Start reading at [`Relay`](relay::Relay).

pub(crate) mod bridged;
pub(crate) mod channels;
pub(crate) mod dropped;
pub(crate) mod message;
pub(crate) mod peers;
pub(crate) mod publish_queue;
pub(crate) mod questions;
pub(crate) mod relay;
pub(crate) mod selection;
pub(crate) mod target;
