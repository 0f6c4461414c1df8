//! Sinks for audit records.

pub(crate) mod bounded;
pub(crate) mod json_lines;
pub(crate) mod log;

pub use doorward_core::{Audit, AuditRecord, Decision, DecisionId, Fault, Part, Problem};

pub use crate::audit::{bounded::BoundedAudit, json_lines::JsonLinesAudit, log::TracingAudit};
