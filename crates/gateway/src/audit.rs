//! Audit records of decisions, and where they are written: to the log, to a file, or to a sink of the
//! application.
//!
//! [`BoundedAudit`] puts a ceiling on the records that unauthenticated clients cause.

// Start reading at `json_lines`.

pub(crate) mod ceiling;
pub(crate) mod json_lines;
pub(crate) mod log;

pub use doorward_core::{Audit, AuditRecord, Decision, DecisionId, Fault, Part, Problem};

pub use crate::audit::{ceiling::BoundedAudit, json_lines::JsonLinesAudit, log::TracingAudit};
