//! Output for the terminal: messages, failures, tables and suggestions.

pub(crate) mod failure;
pub(crate) mod nearest;
pub(crate) mod output;
pub(crate) mod quoted;
pub(crate) mod table;

pub(crate) use failure::Failure;
