//! Writes audit records, without ever keeping a connection waiting.
//!
//! A record is put into a queue. One task takes out what has gathered there and writes it in one transaction. What
//! cannot be written waits and is tried again; what is beyond the queue, and what is left when the server stops,
//! goes to the log in full. Start reading at [`SqlAudit`].

mod row;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use doorward_core::{Audit, AuditRecord, BoxFuture};
use tokio::sync::{mpsc, oneshot};

use self::{row::Row, writer::Writer};
use crate::sqlite_file::SqliteFile;

/// A sink that writes each record into a row of its own, in the file of a
/// [`SqlStore`](crate::SqlStore).
///
/// A process that is killed loses what waited at that moment, usually some milliseconds. While the file cannot be
/// written, records wait and are tried again every second; the log says so once, and once that it is over. 65,536
/// records may wait. From half of that on records of what was refused are dropped, from three quarters on
/// [`has_room`](Audit::has_room) is `false` and no client is admitted; what is beyond is logged at level `error`,
/// with all its fields. All that is dropped is counted in `doorward_audit_dropped_total`. Clones share the queue.
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
    /// Callers of [`flush`](Self::flush): while there is one, what cannot be written does not wait.
    flushing: Arc<AtomicUsize>,
}

/// What the writer is to do next.
enum Order {
    /// Boxed: the other one is small, and the queue moves them about.
    Write(Box<Row>),
    /// Say when everything before it is done.
    Answer(oneshot::Sender<bool>),
}

impl SqlAudit {
    pub(crate) fn start(database: SqliteFile) -> Self {
        Self::with_queue(database, QUEUE)
    }

    fn with_queue(database: SqliteFile, length: usize) -> Self {
        let (queue, orders) = mpsc::channel(length);
        let flushing = Arc::<AtomicUsize>::default();
        tokio::spawn(Writer::new(database, orders, Arc::clone(&flushing)).run());
        Self { queue, flushing }
    }

    /// Waits until every record that was given before is in the file, or in the log.
    ///
    /// # Cancel safety
    /// Nothing is lost by not waiting.
    pub async fn flush(&self) {
        let _flushing = Flushing::begin(&self.flushing);
        self.written().await;
    }
}

/// Counts a caller for as long as it waits.
struct Flushing<'a>(&'a AtomicUsize);

impl<'a> Flushing<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for Flushing<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Audit for SqlAudit {
    fn written(&self) -> BoxFuture<'_, bool> {
        Box::pin(async {
            let (answer, answered) = oneshot::channel();
            let sent = self.queue.send(Order::Answer(answer)).await;
            // A writer that has ended has logged what it could not write.
            sent.is_ok() && answered.await.unwrap_or(false)
        })
    }

    fn has_room(&self) -> bool {
        self.queue.capacity() > self.queue.max_capacity() / 4
    }

    fn record(&self, record: &AuditRecord<'_>) {
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
