//! An event on its way to a handler, and its answer on the way back.

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
