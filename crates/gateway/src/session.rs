//! Sessions, which are records on the server. A client shows a session token, which refers to its
//! session.
//!
//! [`Sessions`] creates, verifies and ends sessions. They are kept in a [`MemoryStore`], or in a
//! store of `doorward-sql` or `doorward-redis`. [`Tickets`] transfers a session from a socket into
//! a cookie.

pub use doorward_auth::{
    CreateSessionError, MemoryStore, NewSession, RedeemError, Sessions, Tickets, VerifySessionError,
};
pub use doorward_core::{Lease, LeaseError, Session, SessionData, SessionId, SessionToken, Ticket};
