//! Names that most programs use.
//!
//! # Examples
//! ```
//! use doorward::prelude::*;
//!
//! let echo: Gateway<Claims> =
//!     Gateway::at("/").on("echo", |Payload(text): Payload<String>| async move { text });
//! ```

pub use doorward_auth::{Claims, Jwt, authenticate_fn};
pub use doorward_core::{Anonymous, Grant, Guard, GuardContext, HasRoles, HasScopes, Verdict};
pub use doorward_macros::{
    filter, gateway, guard, intercept, on_connect, on_disconnect, on_init, on_presence, room,
    subscribe,
};
pub use doorward_protocol::Args;
pub use futures_util::Stream;

pub use crate::{
    Ack, Binary, BoxError, DisconnectReason, Doorward, Emit, Exception, Gateway, Hub, Payload,
    PerUser, Principal, Refusal, ServerEvent, Socket, SocketData, UserId, Valid,
    event::subscription::handle,
    guard::{
        rate_limit::RateLimit,
        role::{Role, Scope},
    },
    room::{
        error::{EmitError, JoinError},
        pattern::RoomRequest,
        presence::PresenceChange,
    },
};
