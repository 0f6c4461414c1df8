//! Builds a server, and serves it.

pub(crate) mod builder;
pub(crate) mod doorward;
pub(crate) mod forgotten;
pub(crate) mod serve;
pub(crate) mod stage;
