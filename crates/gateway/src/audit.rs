//! Where records of decisions go.

mod json_lines;
mod log;

pub use json_lines::JsonLinesAudit;
pub use log::TracingAudit;
