//! Formats what commands print: messages, failures with their exit codes, tables and suggestions. Start reading at
//! [`Failure`].

pub(crate) mod failure;
pub(crate) mod nearest;
pub(crate) mod output;
pub(crate) mod quoted;
pub(crate) mod table;

pub(crate) use failure::{Failure, OrFail};
