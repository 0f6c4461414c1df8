//! Records decisions in the audit, counts them, and tells the watches of users about them.

use doorward_core::{
    Action, Anonymous, AuditRecord, BoxFuture, Decision, DecisionId, Refusal, RefusalReason, UserId,
};

use crate::{
    presence::{
        change::ConnectionChange,
        services::{Services, Subject},
    },
    runtime::{catch::catch, metrics::Metrics},
};

impl Services {
    /// Writes the audit record of a decision, counts the decision, and returns its id.
    pub(crate) fn decided(&self, outcome: Decision, subject: Subject<'_>) -> DecisionId {
        self.record(outcome, subject).0
    }

    /// Does the same as [`decided`](Self::decided). Also returns `false` if the audit panicked, and
    /// the record is lost.
    pub(crate) fn record(&self, outcome: Decision, subject: Subject<'_>) -> (DecisionId, bool) {
        let id = DecisionId::generate(&*self.entropy);
        Metrics::decided(outcome);
        let Subject { fault, action, namespace, user, session, socket, peer, agent } = subject;
        let (at, session) = (self.clock.wall(), session.as_ref());
        let record =
            AuditRecord { id, at, outcome, fault, action, namespace, user, session, socket, peer };
        let is_recorded = catch(|| self.audit.record(&record)).is_ok();
        if !is_recorded {
            tracing::error!(%id, "The audit panicked, and a decision was not recorded.");
        }
        self.tell_watches(&record, agent);
        (id, is_recorded)
    }

    /// Tells the watches of a user, on all nodes, about a decision on a connection.
    fn tell_watches(&self, record: &AuditRecord<'_>, agent: Option<&str>) {
        let is_connect = record.action == Some(Action::Connect);
        let is_change = match record.outcome {
            Decision::Admitted | Decision::Refreshed | Decision::Ended(_) => true,
            Decision::Refused(_) => is_connect,
            _ => false,
        };
        let known = |user: &&UserId| user.as_str() != Anonymous::USER;
        let (Some(user), Some(namespace)) = (record.user.filter(known), record.namespace) else {
            return;
        };
        let has_others = self.relay.as_ref().is_some_and(|relay| relay.peers.has_any());
        if is_change && (has_others || !self.watches.is_empty()) {
            let change = ConnectionChange {
                decision: record.id,
                at: record.at,
                outcome: record.outcome,
                user: user.clone(),
                namespace: namespace.into(),
                socket: record.socket,
                agent: agent.map(Into::into),
                network: record.peer_prefix(),
                node: self.node.clone(),
            };
            self.watches.tell(self.relay.as_ref(), change);
        }
    }

    /// Writes the audit record of a negative decision, with the reason and the fault of the
    /// refusal, and returns the id of the decision.
    pub(crate) fn said_no(
        &self,
        outcome: fn(RefusalReason) -> Decision,
        refusal: &Refusal,
        subject: Subject<'_>,
    ) -> DecisionId {
        self.decided(outcome(refusal.reason()), Subject { fault: refusal.fault(), ..subject })
    }

    /// Returns a future that waits until the audit has kept its records, if the audit demands that.
    /// Otherwise the future is ready at once.
    ///
    /// Call this method before the record is made, and await the future afterwards. Its output is
    /// `false` if a record since the call could not be kept.
    pub(crate) fn kept_first(&self) -> BoxFuture<'_, bool> {
        self.audit.kept_first().unwrap_or_else(|| Box::pin(std::future::ready(true)))
    }
}
