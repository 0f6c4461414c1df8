//! Writes audit records without blocking a connection.
//!
//! `record` puts a record into a queue. One task takes queued records in batches and writes each batch in one
//! transaction. If a write fails, the task retries it while the queue fills up. A record is written to the log with all
//! fields if the queue is full, or if the server stops before the record is written. Start reading at [`SqlAudit`].

mod row;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::{Arc, atomic::Ordering};

use doorward_core::{Audit, AuditRecord, BoxFuture};
use tokio::sync::{mpsc, oneshot};

use self::{
    row::Row,
    writer::{Order, Shared, Writer},
};
use crate::sqlite_file::SqliteFile;

/// Audit sink that writes each record as a row in the file of a [`SqlStore`](crate::SqlStore).
///
/// A process that is killed loses the queued records, usually those of the last milliseconds. While the file
/// cannot be written, records stay in the queue and the write is retried every second. The log reports the
/// first failure and the recovery.
///
/// The queue holds 65,536 records:
///
/// - When more than half of the queue is used, records for which [`AuditRecord::is_by_stranger`] returns `true` are
///   dropped. Unauthenticated clients can cause any number of them.
/// - When three quarters of the queue are used, [`has_room`](Audit::has_room) returns `false` and no client is
///   admitted.
/// - When the queue is full, records are logged at level `error` with all fields.
///
/// The metric `doorward_audit_dropped_total` counts all records that are not written to the file. Clones share the
/// queue.
///
/// # Security
/// Records contain no credential and no session id, and only the network of an address. Text from clients, such as
/// names of rooms, is quoted and escaped in the log.
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
/// ```
#[derive(Clone)]
pub struct SqlAudit {
    queue: mpsc::Sender<Order>,
    shared: Arc<Shared>,
}

impl SqlAudit {
    pub(crate) fn start(database: SqliteFile) -> Self {
        Self::with_queue(database, QUEUE)
    }

    fn with_queue(database: SqliteFile, length: usize) -> Self {
        let (queue, orders) = mpsc::channel(length);
        let shared = Arc::<Shared>::default();
        let rows = Arc::default();
        let writer = Writer { database, orders, rows, shared: Arc::clone(&shared) };
        tokio::spawn(writer.run());
        Self { queue, shared }
    }

    /// Waits until all earlier records are in the file or in the log.
    ///
    /// # Cancel safety
    /// Dropping the future loses no record.
    pub async fn flush(&self) {
        let _flushing = Arc::clone(&self.shared.flushing);
        self.written().await;
    }
}

impl Audit for SqlAudit {
    fn written(&self) -> BoxFuture<'_, bool> {
        let before = self.shared.given_up.load(Ordering::Acquire);
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let sent = self.queue.send(Order::Answer(answer)).await;
            // Sending or answering fails only if the writer has ended. The writer has then logged the remaining
            // records.
            sent.is_ok()
                && answered.await.is_ok()
                && self.shared.given_up.load(Ordering::Acquire) == before
        })
    }

    fn has_room(&self) -> bool {
        self.queue.capacity() > self.queue.max_capacity() / 4
    }

    fn record(&self, record: &AuditRecord<'_>) {
        // Other threads may add records between this check and `try_send`, because the limit need not be exact.
        let is_crowded = self.queue.capacity() < self.queue.max_capacity() / 2;
        if is_crowded && record.is_by_stranger() {
            writer::count_dropped();
            return;
        }
        let waiting = self.queue.max_capacity() - self.queue.capacity();
        metrics::gauge!("doorward_audit_waiting").set(waiting as f64);
        let order = Order::Write(Box::new(Row::of(record)));
        if let Err(refused) = self.queue.try_send(order) {
            let reason = match &refused {
                mpsc::error::TrySendError::Full(_) => "too many records are waiting",
                mpsc::error::TrySendError::Closed(_) => "the writer has ended",
            };
            if let Order::Write(row) = refused.into_inner() {
                self.shared.log(&row, &reason);
            }
        }
    }
}

doorward_core::debug_fields!(SqlAudit {});

/// Capacity of the queue, in records. With 300 bytes per record, these are 20 MB, and a few seconds of a busy server.
const QUEUE: usize = 65_536;
