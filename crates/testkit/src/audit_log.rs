//! Records the audit records of a server for assertions.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
};

use doorward_core::{Audit, AuditRecord, Decision, Fault, lock};
use tokio::sync::Notify;

/// Audit sink that keeps all records in order. Clones share the records.
///
/// # Examples
/// ```
/// let log = doorward_testkit::AuditLog::default();
/// assert!(log.outcomes().is_empty());
/// ```
#[derive(Clone, Debug, Default)]
pub struct AuditLog {
    records: Arc<Mutex<Vec<Record>>>,
    added: Arc<Notify>,
}

/// Fields of an audit record that tests compare.
///
/// # Examples
/// ```
/// fn is_about(record: &doorward_testkit::Record, user: &str) -> bool {
///     record.user.as_deref() == Some(user)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Id of the decision, which the client gets as well.
    pub id: String,
    /// Decision that the record is about.
    pub outcome: Decision,
    /// Part of the client's input that was at fault.
    pub fault: Option<Fault>,
    /// User that the decision was about.
    pub user: Option<String>,
    /// Namespace of the decision.
    pub namespace: Option<String>,
    /// Socket that the decision was about.
    pub socket: Option<String>,
    /// Address of the client.
    pub peer: Option<IpAddr>,
    /// First 32 bits of the hash of the session's id.
    pub session: Option<String>,
}

impl AuditLog {
    /// Returns all records so far.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        lock(&self.records).clone()
    }

    /// Returns all outcomes so far.
    #[must_use]
    pub fn outcomes(&self) -> Vec<Decision> {
        self.records().into_iter().map(|record| record.outcome).collect()
    }

    /// Returns the fault of the last record as text, such as `claim exp: missing`. Returns `None`
    /// if there is no record, or no fault in it.
    #[must_use]
    pub fn last_fault(&self) -> Option<String> {
        self.records().last()?.fault.map(|fault| fault.to_string())
    }

    /// Waits until there are `count` records and returns their outcomes.
    pub async fn wait_for(&self, count: usize) -> Vec<Decision> {
        loop {
            let added = self.added.notified();
            let outcomes = self.outcomes();
            if outcomes.len() >= count {
                return outcomes;
            }
            added.await;
        }
    }
}

impl Audit for AuditLog {
    fn record(&self, record: &AuditRecord<'_>) {
        lock(&self.records).push(Record {
            id: record.id.encode(),
            outcome: record.outcome,
            fault: record.fault,
            user: record.user.map(|user| user.as_str().to_owned()),
            socket: record.socket.map(|socket| socket.encode()),
            peer: record.peer,
            session: record.session_prefix(),
            namespace: record.namespace.map(str::to_owned),
        });
        self.added.notify_waiters();
    }
}
