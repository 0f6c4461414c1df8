//! Sessions: records on the server that a client's token opens.

pub use doorward_auth::{
    CreateSessionError, MemoryStore, NewSession, RedeemError, Sessions, Tickets, VerifySessionError,
};
pub use doorward_core::{Lease, LeaseError, Session, SessionData, SessionId, SessionToken, Ticket};
