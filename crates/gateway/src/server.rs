//! Puts a server together, and runs it.

pub(crate) mod builder;
pub(crate) mod doorward;
pub(crate) mod serve;
