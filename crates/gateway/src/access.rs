//! Connected sockets, and the end of their access: what [`Principals`](crate::Principals) takes and returns.

pub use doorward_core::{NodeId, SocketIdError};

pub use crate::presence::{
    gathered::Gathered,
    principals::{Refreshed, Revocation, RevokeError},
    resident::SocketInfo,
};
