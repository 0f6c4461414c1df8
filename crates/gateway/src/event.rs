//! Extractors and replies of event handlers, interceptors, and exception filters.
//!
//! A handler is an async function that takes extractors, such as [`Payload`](crate::Payload), and
//! returns a reply. [`handle`] gives a handler its own guards, interceptors and filters.

// Start reading at `pipeline`, which has the order of all steps and returns an `invocation`. The
// link keeps the invocation until the handler is done, and lends it an `answer` to write to.
// `failure_answer` turns each failure into an answer.

pub(crate) mod answer;
pub(crate) mod context;
pub(crate) mod extract;
pub(crate) mod failure;
pub(crate) mod failure_answer;
pub(crate) mod filter;
pub(crate) mod handler;
pub(crate) mod incoming;
pub(crate) mod interceptor;
pub(crate) mod invocation;
pub(crate) mod pipeline;
pub(crate) mod reply;
pub(crate) mod sealed;
pub(crate) mod subscription;
pub(crate) mod trace;

pub use bytes::Bytes;
pub use doorward_core::Detail;
pub use doorward_protocol::{Args, Arguments, DecodeError, RawArguments};
pub use futures_util::Stream;

pub use crate::{
    event::{
        context::{EventContext, FromEvent},
        extract::socket::EventName,
        filter::{ErrorReply, ExceptionFilter, FilterContext, IntoExceptionFilter},
        handler::Handler,
        interceptor::{Interceptor, Next, max_payload::MaxPayload},
        reply::{IntoReply, Outcome, Reply, ReplyStream},
        subscription::{IntoSubscription, Subscription, handle},
    },
    namespace::{connect_result::IntoConnectResult, gateway::IntoGateway},
    room::error::{AckError, AskNodeError, EmitError},
};
