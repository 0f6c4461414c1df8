//! Where records of decisions go.

pub(crate) mod bounded;
pub(crate) mod json_lines;
pub(crate) mod log;
