//! Writes audit records, without ever keeping a connection waiting.
//!
//! Whoever records only puts the record into a queue. One task takes out what has gathered there and
//! writes it in one transaction. What cannot be written goes to the log instead, in full: a record is
//! never lost without a word. Start reading at [`SqlAudit`].

mod row;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt;

use doorward_core::{Audit, AuditRecord};
use tokio::sync::{mpsc, oneshot};

use self::{row::Row, writer::Writer};
use crate::sqlite_file::SqliteFile;

/// A sink that writes each record into a row of its own, in the file of a
/// [`SqlStore`](crate::SqlStore).
///
/// 65,536 records may wait to be written. Beyond that, and when the file cannot be written, records are
/// logged at level `error`, with all their fields. Clones share the queue.
///
/// # Security
/// What is written is what [`AuditRecord`] calls fit to be written: no credential, no session id, and of
/// an address no more than its network. Texts of clients, such as names of rooms, stand in the log
/// quoted and escaped.
///
/// # Examples
/// ```
/// use doorward_core::{Audit, AuditRecord};
/// use doorward_sql::SqlStore;
///
/// async fn note(store: &SqlStore, record: &AuditRecord<'_>) {
///     let audit = store.audit();
///     audit.record(record);
///     audit.flush().await;
/// }
/// # drop(note);
/// ```
#[derive(Clone)]
pub struct SqlAudit {
    queue: mpsc::Sender<Order>,
}

/// What the writer is to do next.
enum Order {
    /// Boxed: the other one is small, and the queue moves them about.
    Write(Box<Row>),
    /// Say when everything before it is done.
    Answer(oneshot::Sender<()>),
}

impl SqlAudit {
    pub(crate) fn start(database: SqliteFile) -> Self {
        Self::with_queue(database, QUEUE)
    }

    fn with_queue(database: SqliteFile, length: usize) -> Self {
        let (queue, orders) = mpsc::channel(length);
        tokio::spawn(Writer::new(database, orders).run());
        Self { queue }
    }

    /// Waits until every record that was given before is in the file, or in the log.
    ///
    /// # Cancel safety
    /// Nothing is lost by not waiting.
    pub async fn flush(&self) {
        let (answer, answered) = oneshot::channel();
        if self.queue.send(Order::Answer(answer)).await.is_ok() {
            // A writer that has ended has logged what it could not write.
            answered.await.ok();
        }
    }
}

impl Audit for SqlAudit {
    fn record(&self, record: &AuditRecord<'_>) {
        let order = Order::Write(Box::new(Row::of(record)));
        if let Err(refused) = self.queue.try_send(order) {
            let reason = match &refused {
                mpsc::error::TrySendError::Full(_) => "too many records are waiting",
                mpsc::error::TrySendError::Closed(_) => "the writer has ended",
            };
            writer::log(refused.into_inner(), &reason);
        }
    }
}

impl fmt::Debug for SqlAudit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlAudit").finish_non_exhaustive()
    }
}

/// At 300 bytes a record this is 20 MB, and some seconds of the busiest server.
const QUEUE: usize = 65_536;
