//! Tools to test a server with.
//!
//! [`ManualClock`] is time that moves only when a test says so, [`RawClient`] a client that sends
//! whatever it is told, [`AuditLog`] keeps the decisions to be looked at, and [`fuzz`] holds the
//! functions that any bytes can be thrown at. [`mod@conformance`] holds the rules that every store keeps, [`deeds`] everything that
//! it acknowledges,
//! [`RedisServer`] and [`PostgresServer`] are real ones to break, [`SoftPasskey`] an
//! authenticator that can lie. [`FaultProxy`], [`SmallDisk`], [`StarvedPipe`] and [`Frozen`] are what goes
//! wrong around a server. [`Log`] keeps what a test logs. Nothing here stands in for a part of the server.

mod audit_log;
pub mod conformance;
pub mod deeds;
mod fault;
pub mod fuzz;
mod log;
mod postgres_server;
mod raw;
mod redis_server;
mod soft_passkey;

pub use audit_log::{AuditLog, Record};
pub use doorward_core::ManualClock;
pub use fault::{Fault, FaultProxy, Frozen, InsideDisk, SmallDisk, StarvedPipe};
pub use log::Log;
pub use postgres_server::PostgresServer;
pub use raw::{RawClient, Seen};
pub use redis_server::RedisServer;
pub use soft_passkey::{
    BACKED_UP, BACKUP_ELIGIBLE, SoftAnswer, SoftPasskey, USER_PRESENT, USER_VERIFIED,
};
