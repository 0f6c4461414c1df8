//! Servers and clients in memory, for the tests of applications.
//!
#![doc = include_str!("../../../docs/testing.md")]

pub(crate) mod client;
pub(crate) mod packet;
pub(crate) mod server;
pub(crate) mod unexpected;
pub(crate) mod wire;

pub use client::{TestClient, TestEnd, TestEvent, TestException};
pub use doorward_core::ManualClock;
pub use server::{ConnectRefused, TestServer, TestVisitor};
