//! Writes audit records to the log.

use doorward_core::{Audit, AuditRecord, Fault, Part, Problem};
use tracing::info;

/// Writes each record to the log, as one `tracing` event with the target `doorward::audit`. This is
/// the default sink.
///
/// # Examples
/// ```
/// use doorward::{audit::TracingAudit, prelude::*};
///
/// let builder = Doorward::builder().audit(TracingAudit);
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
            claim = record.at_fault(Part::Claim),
            flag = record.at_fault(Part::Flag),
            header = record.at_fault(Part::Header),
            member = record.at_fault(Part::Member),
            segment = record.at_fault(Part::Segment),
            token_header = record.at_fault(Part::TokenHeader),
            problem = record.fault.map(Fault::problem).map(Problem::as_str),
            count = Some(record.outcome.count()).filter(|count| *count > 1),
            action = record.action.map(tracing::field::debug),
            // `Debug` quotes and escapes these fields, because they may be input of a client.
            namespace = record.namespace.map(tracing::field::debug),
            user = record.user.map(tracing::field::debug),
            session = record.session_prefix().map(tracing::field::display),
            socket = record.socket.map(tracing::field::display),
            peer = record.peer_prefix().map(tracing::field::display),
            "Decided."
        );
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use doorward_core::{Decision, DecisionId, Fault, RefusalReason};
    use doorward_testkit::Log;
    use tracing::Level;

    use super::*;
    use crate::runtime::system::OsEntropy;

    #[test]
    fn the_log_names_the_part_that_was_at_fault_and_the_problem() {
        let log = Log::default();
        let kept = log.keep(Level::INFO);
        let outcome = Decision::Refused(RefusalReason::TokenClaims);
        let record =
            AuditRecord::new(DecisionId::generate(&OsEntropy), SystemTime::UNIX_EPOCH, outcome);

        let fault = Some(Fault::new(Part::Claim, "exp", Problem::Missing));
        TracingAudit.record(&AuditRecord { fault, ..record });
        drop(kept);

        let line = log.lines().concat();
        assert!(line.contains(r#"claim="exp" problem="missing""#), "{line}");
        assert!(!line.contains("segment"), "{line}");
    }
}
