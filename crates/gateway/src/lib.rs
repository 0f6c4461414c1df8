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

mod access;
mod acks;
mod addresses;
mod admission;
mod attempts;
mod audit;
mod authorise;
mod budget;
mod builder;
mod catch;
mod connection;
mod data;
mod doorward;
mod error;
mod extract;
mod filter;
mod gateway;
mod guards;
mod handler;
mod http;
mod hub;
mod interceptor;
mod limits;
mod link;
mod listeners;
mod metrics;
mod namespace;
mod outage;
mod page;
mod pipeline;
mod policy_table;
mod principals;
mod proxies;
mod registry;
mod renewal;
mod reply;
mod resident;
mod room;
mod room_policy;
mod rooms;
mod seating;
mod seats;
mod serve;
mod server_event;
mod services;
mod stop;
mod subscription;
mod sweep;
mod system;
pub mod test;
mod timers;

pub use acks::{AckError, Answers};
pub use addresses::network;
pub use audit::{BoundedAudit, JsonLinesAudit, TracingAudit};
pub use budget::Budget;
#[doc(hidden)]
pub use builder::BehindAuthenticator;
pub use builder::{Authenticated, Builder, NoAuthenticator};
pub use bytes::Bytes;
pub use connection::{Connection, EmitError, JoinError};
pub use data::Data;
pub use doorward::Doorward;
pub use doorward_auth as auth;
pub use doorward_core::{
    Action, Anonymous, Audit, AuditRecord, Auth, AuthenticateError, Authenticator, BoxError,
    BoxFuture, Clock, Decision, DecisionId, Detail, DisconnectReason, Entropy, Epoch, Epochs,
    Exception, Fault, Grant, Guard, GuardContext, Handshake, HandshakeRequest, HasRoles, HasScopes,
    Headers, Holder, Issued, Lease, LeaseError, LinkId, OnExcess, Part, PerUser, Problem, Refusal,
    RefusalCode, RefusalReason, Reload, Reservation, Retry, Seat, SeatError, SeatLimits,
    SeatRequest, Seats, Session, SessionData, SessionId, SessionKey, SessionStore, SessionToken,
    SocketId, SocketIdError, Standing, StoreError, Taken, Ticket, TicketKey, TicketRecord,
    TicketStore, TokenId, Unlimited, UserId, Verdict, is_printable, is_visible_line,
    is_visible_text, wire,
};
pub use doorward_macros::{
    ServerEvent, filter, gateway, guard, intercept, on_connect, on_disconnect, on_init, room,
    subscribe,
};
pub use doorward_protocol::{Args, Arguments, Binary, DecodeError, RawArguments};
pub use error::{BuildError, Error, Result, ServeError};
pub use extract::{Ack, EventContext, EventName, FromEvent, Payload, Principal, Valid};
pub use filter::{ErrorReply, ExceptionFilter, FilterContext, IntoExceptionFilter};
pub use futures_util::Stream;
pub use garde;
pub use gateway::{Entry, Gateway, IntoGateway};
pub use guards::{All, Any, Fresh, GuardFn, Not, RateLimit, Role, Scope, all, any, guard_fn, not};
pub use handler::Handler;
pub use http::{App, DoorwardService, PeerAddr, RequestBody, RequestBodyError};
pub use hub::{Broadcast, Hub, Outgoing};
pub use interceptor::{Interceptor, MaxPayload, Next, Outcome};
pub use limits::{Limit, LimitError, LimitValue, Limits};
pub use listeners::Listeners;
pub use outage::Outage;
pub use policy_table::PolicyTable;
pub use principals::{Principals, Refresh, Revocation, Revoke, RevokeError};
pub use proxies::{TrustedProxies, TrustedProxyError};
pub use reply::{
    ByArgs, ByEmit, ByMistake, ByRaw, ByResult, ByStream, ByValue, Emit, IntoReply, Reply,
    ReplyStream,
};
pub use resident::ConnectionInfo;
pub use room_policy::RoomRequest;
pub use rooms::Target;
pub use seats::MemorySeats;
pub use server_event::ServerEvent;
pub use stop::StopSignal;
pub use subscription::{IntoSubscription, Subscription, handle};
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
    pub use doorward_macros::{
        filter, gateway, guard, intercept, on_connect, on_disconnect, on_init, room, subscribe,
    };

    pub use crate::{
        Ack, Action, Anonymous, Args, Binary, BoxError, Connection, Data, DisconnectReason,
        Doorward, Emit, EmitError, EventName, Exception, Fresh, Gateway, Grant, Guard,
        GuardContext, Handshake, HasRoles, HasScopes, Hub, JoinError, Payload, PerUser, Principal,
        Principals, RateLimit, Refusal, Role, RoomRequest, Scope, ServerEvent, Stream, UserId,
        Valid, Verdict, handle,
    };
}

/// The programs of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// So do those of the chapter for users of NestJS.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/from-nestjs.md")]
struct FromNestJs;

/// And those of the tables of input.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/input.md")]
struct Input;
