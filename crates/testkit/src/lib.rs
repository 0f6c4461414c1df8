//! Tools to test a server. None of them replaces a part of the server.
//!
//! | tool | purpose |
//! |---|---|
//! | [`ManualClock`] | a clock that moves only when a test sets it |
//! | [`RawClient`] | a client that sends any bytes, valid or not |
//! | [`Poller`] | a client that polls, one request at a time |
//! | [`echo_across_an_upgrade`] | a client that upgrades while it sends and receives |
//! | [`SoftPasskey`] | an authenticator that can give false answers |
//! | [`LyingIssuer`] | an HTTP server that answers as a test demands |
//! | [`MemoryCluster`] | a cluster of servers in one process, whose nodes can be cut off |
//! | [`AuditLog`], [`Log`] | keep audit records and log lines for assertions |
//! | [`fuzz`] | functions that accept any bytes, for fuzzers |
//! | [`mod@conformance`] | the rules that stores must satisfy, as tests |
//! | [`deeds`] | makes every kind of change to a store, and looks for each change later |
//! | [`RedisServer`], [`PostgresServer`] | real servers that a test may stop and kill |
//! | [`FaultProxy`], [`SmallDisk`], [`StarvedPipe`], [`Frozen`] | faults of the network, the disk, a pipe and a process |

mod audit_log;
pub mod conformance;
pub mod deeds;
mod fault;
pub mod fuzz;
mod log;
mod lying_issuer;
mod memory_cluster;
mod poller;
mod postgres_server;
mod raw;
mod redis_server;
mod soft_passkey;

pub use audit_log::{AuditLog, Record};
pub use doorward_core::ManualClock;
pub use fault::{Fault, FaultProxy, Frozen, InsideDisk, SmallDisk, StarvedPipe};
pub use log::Log;
pub use lying_issuer::{Answer, Asked, LyingIssuer};
pub use memory_cluster::{MemoryCluster, MemoryNode};
pub use poller::{Poller, Response, echo_across_an_upgrade};
pub use postgres_server::PostgresServer;
pub use raw::{RawClient, Seen};
pub use redis_server::RedisServer;
pub use soft_passkey::{
    BACKED_UP, BACKUP_ELIGIBLE, SoftAnswer, SoftPasskey, USER_PRESENT, USER_VERIFIED,
};
