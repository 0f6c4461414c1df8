//! Writes an audit record for each decision of this crate, and counts the decisions in a metric.
//! Start reading at [`Records::decided`].

use std::{sync::Arc, time::Duration};

use doorward::{
    UserId,
    audit::{Audit, AuditRecord, Decision, DecisionId, Fault},
    server::{Clock, Entropy},
    session::{Session, SessionId},
};

use crate::client::Client;

/// Writes audit records to a sink, and counts them.
pub(crate) struct Records {
    pub(crate) audit: Arc<dyn Audit>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

/// Client, user and session of a decision, as far as they are known.
#[derive(Clone, Copy, Default)]
pub(crate) struct About<'a> {
    pub(crate) client: Option<&'a Client>,
    pub(crate) user: Option<&'a UserId>,
    pub(crate) session: Option<&'a SessionId>,
    /// Part of the client's input that was at fault.
    pub(crate) fault: Option<Fault>,
}

impl<'a> About<'a> {
    /// Returns the subject of a decision about `client` and its session.
    pub(crate) fn of(client: &'a Client, session: &'a Session) -> Self {
        let (user, session) = (Some(&session.user), Some(&session.id));
        Self { client: Some(client), user, session, fault: None }
    }
}

impl Records {
    /// Returns a future that waits until all records are stored, if the sink requires it. Call this
    /// method before the record of the decision is made, and await the future afterwards. The
    /// output is `false` if a record since the call could not be stored, or if the wait exceeds
    /// [`PATIENCE`].
    pub(crate) fn kept(&self) -> impl Future<Output = bool> + Send {
        let kept = self.audit.kept_first();
        async {
            let Some(kept) = kept else { return true };
            let patience = self.clock.sleep_until(self.clock.now() + PATIENCE);
            tokio::select! {
                kept = kept => kept,
                () = patience => false,
            }
        }
    }

    pub(crate) fn decided(&self, outcome: Decision, about: About<'_>) {
        // The label is a fixed name of the outcome or the reason, and never input of a client.
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

/// Maximum time to wait until the sink has stored the records.
const PATIENCE: Duration = Duration::from_secs(5);
