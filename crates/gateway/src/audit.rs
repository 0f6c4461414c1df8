//! Audit records of decisions, and the sinks that write them to the log or to a file. An
//! application may implement [`Audit`] for a sink of its own.
//!
//! [`BoundedAudit`] limits the number of records that unauthenticated clients cause. Each sink
//! decides what happens if records are made faster than it can write them.

// Start reading at `json_lines`: first it drops the records that any client can cause, then it has no
// room, and `admission/vetting.rs` admits no client. `crates/sql/src/audit.rs` does the same.

pub(crate) mod ceiling;
pub(crate) mod json_lines;
pub(crate) mod tracing;

pub use doorward_core::{
    Audit, AuditRecord, Decision, DecisionId, DecisionIdError, Fault, Part, Problem,
};

pub use crate::audit::{ceiling::BoundedAudit, json_lines::JsonLinesAudit, tracing::TracingAudit};
