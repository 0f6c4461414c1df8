//! Talks to the person or the script that has typed the command: output, failures, tables, suggestions.

pub(crate) mod failure;
pub(crate) mod nearest;
pub(crate) mod output;
pub(crate) mod quoted;
pub(crate) mod table;

pub(crate) use failure::Failure;
