//! Descriptions of connected sockets, and the results and errors of
//! [`Principals`](crate::Principals).

pub use doorward_core::{NodeId, SocketIdError};

pub use crate::presence::{
    change::ConnectionChange,
    gathered::Gathered,
    node::NodeInfo,
    resident::SocketInfo,
    revocation::{RefreshError, Refreshed, Revocation, RevokeError},
    watches::{Watch, WatchError, Watched},
};
