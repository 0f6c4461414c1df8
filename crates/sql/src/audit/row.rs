//! Row of an audit record. It is written to the table, or to the log if the table cannot be written.

use doorward_core::{AuditRecord, Decision};
use sqlx::{SqliteConnection, query};

use crate::time::to_millis;

pub(super) const INSERT: &str = "INSERT INTO audit \
    (id, at, outcome, reason, fault_part, fault_name, fault_problem, action, namespace, user_id, \
    session_prefix, socket, peer_prefix) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

/// Fields of a record. If the record is logged, the log contains the `Debug` output, which quotes
/// and escapes text.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone, PartialEq, Eq, PartialOrd, Ord))]
pub(super) struct Row {
    pub(super) id: String,
    /// Time of the decision, in milliseconds since 1970.
    pub(super) at: i64,
    pub(super) outcome: &'static str,
    pub(super) reason: Option<&'static str>,
    /// Part, name and problem of the fault.
    pub(super) fault: Option<[&'static str; 3]>,
    pub(super) action: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) user: Option<String>,
    pub(super) session_prefix: Option<String>,
    pub(super) socket: Option<String>,
    pub(super) peer_prefix: Option<String>,
}

impl Row {
    pub(super) fn of(record: &AuditRecord<'_>) -> Self {
        Self {
            id: record.id.encode(),
            at: to_millis(record.at),
            outcome: record.outcome.as_str(),
            reason: record.outcome.reason(),
            fault: record
                .fault
                .map(|fault| [fault.part().as_str(), fault.name(), fault.problem().as_str()]),
            action: match record.outcome {
                Decision::LeftOut(_, count) => Some(format!("left_out {count}")),
                _ => record.action.map(|action| action.to_string()),
            },
            namespace: record.namespace.map(str::to_owned),
            user: record.user.map(|user| user.as_str().to_owned()),
            session_prefix: record.session_prefix(),
            socket: record.socket.map(|socket| socket.encode()),
            peer_prefix: record.peer_prefix().map(|peer| peer.to_string()),
        }
    }

    pub(super) async fn insert(&self, connection: &mut SqliteConnection) -> sqlx::Result<()> {
        let row = query(INSERT).bind(&*self.id).bind(self.at).bind(self.outcome).bind(self.reason);
        let [part, name, problem] = self.fault.map_or([None; 3], |fault| fault.map(Some));
        let row = row.bind(part).bind(name).bind(problem);
        let row = row.bind(self.action.as_deref()).bind(self.namespace.as_deref());
        let row = row.bind(self.user.as_deref()).bind(self.session_prefix.as_deref());
        let row = row.bind(self.socket.as_deref()).bind(self.peer_prefix.as_deref());
        row.execute(connection).await?;
        Ok(())
    }
}
