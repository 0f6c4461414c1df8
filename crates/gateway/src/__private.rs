//! Items that the macros and the other crates of this project use. They are not part of the public
//! API, and any release may change them.

pub use doorward_auth::{FoundCookie, find_cookie};
pub use doorward_core::{
    DisconnectReason, Verdict, is_printable, is_visible_line, is_visible_text, wire,
};

pub use crate::{
    Gateway, Hub, ServerEvent, Socket,
    event::{
        context::FromEvent,
        reply::{
            ByArgs, ByDelivered, ByEmit, ByMistake, ByRaw, ByResult, ByStream, ByValue, IntoReply,
        },
        subscription::handle,
    },
    limits::{addresses::network, budget::Budget},
    namespace::gateway::IntoGateway,
    room::{pattern::RoomRequest, presence::PresenceChange},
    server::stage::BehindAuthenticator,
};
