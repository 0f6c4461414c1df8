//! Writes one audit record for each decision of this crate, and counts decisions. Start reading at
//! [`Records::decided`].

use std::{sync::Arc, time::Duration};

use doorward::{
    UserId,
    audit::{Audit, AuditRecord, Decision, DecisionId, Fault},
    server::{Clock, Entropy},
    session::{Session, SessionId},
};

use crate::client::Client;

/// Sink of the records.
pub(crate) struct Records {
    pub(crate) audit: Arc<dyn Audit>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

/// Known parts of the subject of a decision: client, user and session.
#[derive(Clone, Copy, Default)]
pub(crate) struct About<'a> {
    pub(crate) client: Option<&'a Client>,
    pub(crate) user: Option<&'a UserId>,
    pub(crate) session: Option<&'a SessionId>,
    /// Faulty part of the input.
    pub(crate) fault: Option<Fault>,
}

impl<'a> About<'a> {
    /// Returns the client and the session that it acts in.
    pub(crate) fn of(client: &'a Client, session: &'a Session) -> Self {
        let (user, session) = (Some(&session.user), Some(&session.id));
        Self { client: Some(client), user, session, fault: None }
    }
}

impl Records {
    /// Waits until all records are stored, if the sink requires it; `false` on timeout.
    pub(crate) async fn kept(&self) -> bool {
        let Some(kept) = self.audit.kept_first() else { return true };
        let patience = self.clock.sleep_until(self.clock.now() + PATIENCE);
        tokio::select! {
            kept = kept => kept,
            () = patience => false,
        }
    }

    pub(crate) fn decided(&self, outcome: Decision, about: About<'_>) {
        // Both labels are names of enums: input of clients never becomes a label.
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

/// Timeout of that wait.
const PATIENCE: Duration = Duration::from_secs(5);
