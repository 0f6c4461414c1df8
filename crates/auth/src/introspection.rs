//! Asks an authorization server about opaque tokens (token introspection, RFC 7662).
//!
//! `endpoint` builds the authenticator. `client` sends the requests, and bounds them with `recent`
//! (answers of the last seconds) and `breaker` (an endpoint that fails). `lease` asks again about the
//! tokens of connected sockets. `health` writes metrics and log lines. Start reading at
//! [`Introspection`](authenticator::Introspection).

mod answer;
pub(crate) mod authenticator;
mod breaker;
mod client;
pub(crate) mod endpoint;
mod error;
mod health;
mod lease;
mod recent;
