//! Descriptions of connected sockets, and the results and errors of
//! [`Principals`](crate::Principals).

pub use doorward_core::{NodeId, SocketIdError};

pub use crate::presence::{
    gathered::Gathered,
    node::NodeInfo,
    resident::SocketInfo,
    revocation::{RefreshError, Refreshed, Revocation, RevokeError},
};
