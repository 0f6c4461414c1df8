//! Servers and clients in memory, for the tests of applications.
//!
#![doc = include_str!("../../../docs/testing.md")]

mod client;
mod link;
mod packet;
mod server;

pub use client::{TestClient, TestEnd, TestEvent, TestException};
pub use doorward_core::ManualClock;
pub use server::{ConnectRefused, TestServer, TestVisitor};
