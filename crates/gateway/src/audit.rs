//! Sinks for audit records.

pub(crate) mod bounded;
pub(crate) mod json_lines;
pub(crate) mod log;
