//! Sessions: records on the server to which the token of a client refers.
//!
//! [`Sessions`] creates, verifies and ends them. They are kept in a store: [`MemoryStore`], or one
//! of `doorward-sql` and `doorward-redis`. [`Tickets`] carries a session from a socket into a
//! cookie.

pub use doorward_auth::{
    CreateSessionError, MemoryStore, NewSession, RedeemError, Sessions, Tickets, VerifySessionError,
};
pub use doorward_core::{Lease, LeaseError, Session, SessionData, SessionId, SessionToken, Ticket};
