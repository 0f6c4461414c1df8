//! Servers and clients in memory, for the tests of applications.
//!
//! The clients speak the real protocol to the real server over a pipe in memory, so no port is
//! needed. Authentication, guards, handlers, rooms and limits are the same as in production. With a
//! [`ManualClock`], time advances only when the test advances it, so no test sleeps.
//!
//! A method that waits for a packet panics if another packet arrives, and the message of the panic
//! names that packet. The guide is `docs/testing.md` in the repository of this crate.
//!
//! # Examples
//! ```
//! use doorward::{prelude::*, test::TestServer};
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> doorward::Result {
//! let authenticate = authenticate_fn(|handshake| async move {
//!     match handshake.auth.get_str("token") {
//!         Some("sesame") => Ok(Grant::new("Ali", "ali")),
//!         _ => Err(Refusal::new("invalid_token", "Invalid token").into()),
//!     }
//! });
//! let gateway = Gateway::at("/").on("echo", |Payload(text): Payload<String>| async move { text });
//! let doorward = Doorward::builder().authenticate(authenticate).gateway(gateway).build()?;
//! let server = TestServer::start(doorward).await?;
//!
//! let refused = server.expect_refused("/", json!({ "token": "please" })).await;
//! assert_eq!(refused.code(), "invalid_token");
//!
//! let mut ali = server.connect("/", json!({ "token": "sesame" })).await;
//! assert_eq!(ali.emit_with_ack::<String>("echo", "hello").await, "hello");
//! # Ok(())
//! # }
//! ```

pub(crate) mod client;
pub(crate) mod server;
pub(crate) mod unexpected;
pub(crate) mod wire;

pub use client::{TestClient, TestEnd, TestEvent, TestException};
pub use doorward_core::ManualClock;
pub use server::{ConnectError, TestClientBuilder, TestServer};
