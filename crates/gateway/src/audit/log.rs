//! Writes audit records to the log.

use doorward_core::{Audit, AuditRecord};
use tracing::info;

/// Writes each record as one event of `tracing`, with the target `doorward::audit`: the default.
///
/// # Examples
/// ```
/// use doorward::{Audit, TracingAudit};
///
/// fn take(_: impl Audit) {}
/// take(TracingAudit);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingAudit;

impl Audit for TracingAudit {
    fn record(&self, record: &AuditRecord<'_>) {
        info!(
            target: "doorward::audit",
            id = %record.id,
            outcome = record.outcome.as_str(),
            reason = record.outcome.reason(),
            count = Some(record.outcome.count()).filter(|count| *count > 1),
            action = record.action.map(tracing::field::debug),
            // Debug quotes and escapes: a namespace is what the client says it is.
            namespace = record.namespace.map(tracing::field::debug),
            user = record.user.map(tracing::field::debug),
            session = record.session_prefix().map(tracing::field::display),
            socket = record.socket.map(tracing::field::display),
            peer = record.peer_prefix().map(tracing::field::display),
            "Decided."
        );
    }
}
