//! Audit records of decisions, and the sinks that write them to the log or to a file. An
//! application may implement [`Audit`] for a sink of its own.
//!
//! [`BoundedAudit`] limits the number of records that unauthenticated clients cause.

// Start reading at `json_lines`.

pub(crate) mod ceiling;
pub(crate) mod json_lines;
pub(crate) mod log;

pub use doorward_core::{Audit, AuditRecord, Decision, DecisionId, Fault, Part, Problem};

pub use crate::audit::{ceiling::BoundedAudit, json_lines::JsonLinesAudit, log::TracingAudit};
