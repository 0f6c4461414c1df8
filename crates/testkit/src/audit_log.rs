//! Keeps audit records so that a test can look at them.

use std::sync::{Arc, Mutex, PoisonError};

use doorward_core::{Audit, AuditRecord, Decision, Fault};
use tokio::sync::Notify;

/// The records of a server, in the order in which they were made; clones share them.
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

/// What a test wants to know of a record.
///
/// # Examples
/// ```
/// fn is_about(record: &doorward_testkit::Record, user: &str) -> bool {
///     record.user.as_deref() == Some(user)
/// }
/// # drop(is_about);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The id that the client reads too.
    pub id: String,
    /// What was decided.
    pub outcome: Decision,
    /// What was at fault.
    pub fault: Option<Fault>,
    /// For whom.
    pub user: Option<String>,
    /// Where.
    pub namespace: Option<String>,
}

impl AuditLog {
    /// Returns all records so far.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns all outcomes so far.
    #[must_use]
    pub fn outcomes(&self) -> Vec<Decision> {
        self.records().into_iter().map(|record| record.outcome).collect()
    }

    /// Returns what was at fault in the last decision, in words: `claim exp: missing`.
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
        self.records.lock().unwrap_or_else(PoisonError::into_inner).push(Record {
            id: record.id.encode(),
            outcome: record.outcome,
            fault: record.fault,
            user: record.user.map(|user| user.as_str().to_owned()),
            namespace: record.namespace.map(str::to_owned),
        });
        self.added.notify_waiters();
    }
}
