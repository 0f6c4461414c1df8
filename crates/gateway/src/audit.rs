//! Writes audit records: to the log, to a file, and with a ceiling for those that unauthenticated
//! clients cause. Start reading at [`json_lines`]; the trait of all sinks is
//! [`doorward_core::Audit`].

pub(crate) mod bounded;
pub(crate) mod json_lines;
pub(crate) mod log;

pub use doorward_core::{Audit, AuditRecord, Decision, DecisionId, Fault, Part, Problem};

pub use crate::audit::{bounded::BoundedAudit, json_lines::JsonLinesAudit, log::TracingAudit};
