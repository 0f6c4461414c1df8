//! Carries an event of a client to its handler, and the answer back to the client.
//!
//! [`pipeline`] knows the order of all steps. The link calls it for each event, keeps the
//! [`invocation`] that it returns until the handler is done, and lends it an [`answer`] to write to.

pub(crate) mod answer;
pub(crate) mod context;
pub(crate) mod extract;
pub(crate) mod failure;
pub(crate) mod filter;
pub(crate) mod handler;
pub(crate) mod incoming;
pub(crate) mod interceptor;
pub(crate) mod invocation;
pub(crate) mod pipeline;
pub(crate) mod reply;
pub(crate) mod subscription;
pub(crate) mod trace;
