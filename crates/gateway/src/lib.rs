//! A Socket.IO server in which no client is connected before it is authenticated.
//!
//! A client shows a credential when it connects to a namespace. If an
//! [authenticator](auth::Authenticator) accepts the credential, it returns the principal of the
//! client. Otherwise the client receives one refusal and is disconnected. No guard, hook or handler
//! runs before the client is authenticated. Stock Socket.IO clients connect without changes.
//!
//! ```no_run
//! use doorward::prelude::*;
//!
//! #[tokio::main]
//! async fn main() -> doorward::Result {
//!     let secret = std::env::var("JWT_SECRET").expect("JWT_SECRET holds at least 32 bytes");
//!     let events = Gateway::at("/")
//!         .on("echo", |Payload(text): Payload<String>| async move { text })
//!         .on("whoami", |me: Principal<Claims>| async move { me.subject().to_owned() });
//!
//!     Doorward::builder()
//!         .authenticate(Jwt::hs256(secret)?)
//!         .gateway(events)
//!         .build()?
//!         .serve("localhost:3000")
//!         .await?;
//!     Ok(())
//! }
//! ```
//!
//! Without `.authenticate(..)` this does not compile:
//! ```compile_fail
//! use doorward::prelude::*;
//!
//! let gateway = Gateway::at("/").on("echo", |Payload(text): Payload<String>| async move { text });
//! Doorward::builder().gateway(gateway).build();
//! ```
//!
//! A [`Gateway`] holds handlers and hooks, a [`Builder`] combines gateways with an authenticator
//! and policies, and a [`Doorward`] serves them. In the source, `link` runs one task for each
//! connection, `admission` decides if a client may enter a namespace, and `event` passes the events
//! of clients to handlers. ARCHITECTURE.md in the repository describes all modules.

#[doc(hidden)]
pub mod __private;
pub mod access;
mod admission;
pub mod audit;
pub mod auth;
mod bus;
pub mod cluster;
mod error;
pub mod event;
pub mod guard;
mod http;
mod limits;
mod link;
mod namespace;
mod peer;
pub mod prelude;
mod presence;
mod relaying;
pub mod room;
#[cfg(feature = "axum")]
pub mod routes;
mod runtime;
pub mod server;
pub mod session;
pub mod store;
pub mod test;
mod transport;

pub use doorward_core::{
    BoxError, DisconnectReason, Exception, PerUser, Refusal, SocketId, UserId,
};
pub use doorward_macros::{
    ServerEvent, filter, gateway, guard, intercept, on_connect, on_disconnect, on_init,
    on_presence, room, subscribe,
};
pub use doorward_protocol::Binary;
pub use garde;

pub use crate::{
    error::{Error, Result},
    event::{
        extract::{
            ack::Ack,
            payload::{Payload, Valid},
        },
        reply::Emit,
    },
    limits::Limits,
    namespace::gateway::Gateway,
    presence::{principals::Principals, revocation::Revoke},
    room::{
        hub::{Hub, broadcast::Broadcast},
        principal::Principal,
        server_event::ServerEvent,
        socket::{Socket, data::SocketData},
    },
    server::{builder::Builder, doorward::Doorward},
};
