//! Where records of decisions go.

mod bounded;
mod json_lines;
mod log;

pub use bounded::BoundedAudit;
pub use json_lines::JsonLinesAudit;
pub use log::TracingAudit;
