//! Writes one audit record for each decision of this crate, and counts it.

use std::{sync::Arc, time::Duration};

use doorward::{
    Audit, AuditRecord, Clock, Decision, DecisionId, Entropy, Fault, SessionId, UserId,
};

use crate::client::Client;

/// Where decisions are written down.
pub(crate) struct Records {
    audit: Arc<dyn Audit>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// Whom a decision is about, as far as it is known.
#[derive(Clone, Copy, Default)]
pub(crate) struct About<'a> {
    pub(crate) client: Option<&'a Client>,
    pub(crate) user: Option<&'a UserId>,
    pub(crate) session: Option<&'a SessionId>,
    /// What was at fault.
    pub(crate) fault: Option<Fault>,
}

impl Records {
    pub(crate) fn new(
        audit: Arc<dyn Audit>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { audit, clock, entropy }
    }

    /// Whether there is room for the records of one more user.
    pub(crate) fn has_room(&self) -> bool {
        self.audit.has_room()
    }

    /// Waits until what was decided is kept, where the audit wants that; `false` when it was not in time.
    pub(crate) async fn kept(&self) -> bool {
        let Some(kept) = self.audit.kept_first() else { return true };
        let patience = self.clock.sleep_until(self.clock.now() + PATIENCE);
        tokio::select! {
            kept = kept => kept,
            () = patience => false,
        }
    }

    pub(crate) fn decided(&self, outcome: Decision, about: About<'_>) {
        // Both are names of enums: nothing that a client has sent is a label.
        let label = outcome.reason().unwrap_or(outcome.as_str());
        metrics::counter!("doorward_sign_ins_total", "outcome" => label).increment(1);
        let id = DecisionId::generate(&*self.entropy);
        self.audit.record(&AuditRecord {
            fault: about.fault,
            namespace: about.client.and_then(|client| client.namespace),
            user: about.user,
            session: about.session,
            peer: about.client.and_then(|client| client.address),
            ..AuditRecord::new(id, self.clock.wall(), outcome)
        });
    }
}

/// How long a sign-in waits for its record.
const PATIENCE: Duration = Duration::from_secs(5);
