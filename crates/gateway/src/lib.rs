//! A Socket.IO server in which nobody is connected before they are authenticated.
//!
//! A client shows a credential when it asks to enter a namespace; an [`Authenticator`] says who it
//! is, or the client is told why not, once, and the connection closes. No code of the application
//! runs before that. Clients are the stock ones, unpatched.
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
//! Where the parts are: [`Gateway`] holds handlers and hooks, [`Builder`] puts gateways, authenticator
//! and policy together, [`Doorward`] serves them. A connection lives in `link` (one task each), enters
//! through `admission`, and its events go through `pipeline`.

mod addresses;
mod admission;
mod audit;
mod builder;
mod catch;
mod connection;
mod data;
mod doorward;
mod error;
mod extract;
mod gateway;
mod handler;
mod http;
mod limits;
mod link;
mod listeners;
mod namespace;
mod pipeline;
mod registry;
mod reply;
mod serve;
mod services;
mod stop;
mod system;
mod timers;

pub use audit::TracingAudit;
pub use builder::{Authenticated, Builder, NoAuthenticator};
pub use connection::{Connection, EmitError};
pub use data::Data;
pub use doorward::Doorward;
pub use doorward_auth as auth;
pub use doorward_core::{
    Action, Anonymous, Audit, AuditRecord, Auth, AuthenticateError, Authenticator, BoxError,
    BoxFuture, Clock, DecisionId, Detail, DisconnectReason, Entropy, Epoch, EpochError, Epochs,
    Exception, Grant, Guard, GuardContext, Handshake, HandshakeRequest, Headers, Outcome, Refusal,
    RefusalCode, RefusalReason, Reservation, Retry, Seat, SeatError, SeatRequest, Seats, SessionId,
    SocketId, TokenId, UserId, Verdict, wire,
};
pub use error::{BuildError, Error, Result, ServeError};
pub use extract::{EventContext, EventName, FromEvent, Payload, Principal};
pub use gateway::Gateway;
pub use handler::{Handler, Invocation};
pub use http::{App, DoorwardService, PeerAddr};
pub use limits::Limits;
pub use listeners::Listeners;
pub use reply::{ByResult, ByValue, IntoReply};
pub use stop::StopSignal;
pub use system::{OsEntropy, SystemClock};

/// What most programs need.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// let gateway: Gateway<Claims> = Gateway::at("/");
/// # drop(gateway);
/// ```
pub mod prelude {
    pub use doorward_auth::{Claims, Jwt, authenticate_fn};

    pub use crate::{
        Anonymous, Connection, Data, DisconnectReason, Doorward, EventName, Exception, Gateway,
        Grant, Handshake, Payload, Principal, Refusal,
    };
}

/// The programs of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
