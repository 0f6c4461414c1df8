//! Asks an authorization server about opaque tokens (token introspection, RFC 7662).
//!
//! `endpoint` builds the authenticator. `asking` sends the questions, and bounds them with `recent`
//! (answers of the last seconds) and `breaker` (an endpoint that fails). `lease` asks again about the
//! tokens of connected sockets. Start reading at
//! [`Introspection`](authenticator::Introspection).

mod asking;
pub(crate) mod authenticator;
mod breaker;
pub(crate) mod endpoint;
mod lease;
mod recent;
