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

mod admission;
mod audit;
mod error;
mod event;
mod guard;
mod http;
mod limits;
mod link;
mod namespace;
mod peer;
mod presence;
mod room;
mod runtime;
mod server;
pub mod test;
mod transport;

pub use crate::audit::{bounded::BoundedAudit, json_lines::JsonLinesAudit, log::TracingAudit};
pub use crate::error::{BuildError, Error, HubError, Result, ServeError};
pub use crate::event::filter::{ErrorReply, ExceptionFilter, FilterContext, IntoExceptionFilter};
pub use crate::event::handler::Handler;
pub use crate::event::reply::{
    ByArgs, ByDelivered, ByEmit, ByMistake, ByRaw, ByResult, ByStream, ByValue, Emit, IntoReply,
    Reply, ReplyStream,
};
pub use crate::event::subscription::{IntoSubscription, Subscription, handle};
pub use crate::event::{
    interceptor::{Interceptor, Next, max_payload::MaxPayload},
    reply::Outcome,
};
pub use crate::guard::{
    combine::{All, Any, Not, all, any, not},
    fresh::Fresh,
    rate_limit::RateLimit,
    role::{GuardFn, Role, Scope, guard_fn},
};
pub use crate::http::listeners::Listeners;
pub use crate::limits::{
    Limit, Limits,
    addresses::network,
    budget::Budget,
    value::{LimitError, LimitValue},
};
pub use crate::namespace::gateway::{Entry, Gateway, IntoGateway};
pub use crate::namespace::policy_table::PolicyTable;
pub use crate::peer::proxies::{TrustedProxies, TrustedProxyError};
pub use crate::presence::gathered::{Gathered, NodeId};
pub use crate::presence::principals::{Principals, Refreshed, Revocation, Revoke, RevokeError};
pub use crate::presence::resident::SocketInfo;
pub use crate::presence::seats::MemorySeats;
pub use crate::room::data::Data;
pub use crate::room::hub::{
    Hub, Outgoing,
    broadcast::{Broadcast, Delivered},
};
pub use crate::room::members::Target;
pub use crate::room::policy::RoomRequest;
pub use crate::room::server_event::ServerEvent;
pub use crate::room::{acks::Answers, error::AckError};
pub use crate::room::{
    connection::Connection,
    error::{EmitError, JoinError},
};
pub use crate::runtime::outage::Outage;
pub use crate::runtime::stop::StopSignal;
pub use crate::runtime::system::{OsEntropy, SystemClock};
pub use crate::server::doorward::Doorward;
#[doc(hidden)]
pub use crate::server::stage::BehindAuthenticator;
pub use crate::server::{
    builder::Builder,
    stage::{Authenticated, NoAuthenticator},
};
pub use crate::{
    event::{
        context::{EventContext, FromEvent},
        extract::{
            ack::Ack,
            payload::{Payload, Valid},
            socket::EventName,
        },
    },
    room::principal::Principal,
};
pub use crate::{
    http::{
        app::App,
        request_body::{RequestBody, RequestBodyError},
        service::DoorwardService,
    },
    peer::addr::PeerAddr,
};
pub use bytes::Bytes;
pub use doorward_auth as auth;
pub use doorward_core::{
    Action, Anonymous, Audit, AuditRecord, AuthPayload, AuthenticateError, Authenticator, BoxError,
    BoxFuture, Clock, CredentialRef, Decision, DecisionId, Detail, DisconnectReason, Entropy,
    Exception, Fault, Grant, Guard, GuardContext, Handshake, HandshakeRequest, HasRoles, HasScopes,
    Headers, Holder, Issued, Lease, LeaseError, LinkId, OnExcess, Part, PerUser, Problem, Refusal,
    RefusalCode, RefusalReason, Reload, Reservation, Retry, RevocationState, RevocationStore, Seat,
    SeatError, SeatLimits, SeatRequest, SeatStore, Seated, Session, SessionData, SessionId,
    SessionKey, SessionStore, SessionToken, SocketId, SocketIdError, StoreError, Ticket, TicketKey,
    TicketRecord, TicketStore, TokenId, Unlimited, UserId, Verdict, is_printable, is_visible_line,
    is_visible_text, wire,
};
pub use doorward_macros::{
    ServerEvent, filter, gateway, guard, intercept, on_connect, on_disconnect, on_init, room,
    subscribe,
};
pub use doorward_protocol::{Args, Arguments, Binary, DecodeError, RawArguments};
pub use futures_util::Stream;
pub use garde;

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
