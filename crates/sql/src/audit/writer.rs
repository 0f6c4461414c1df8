//! Task that takes audit records from the queue and writes them to the file.

use std::{
    fmt, mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use doorward_core::StoreError;
use tokio::{
    sync::{mpsc, oneshot},
    time::sleep,
};
use tracing::{error, warn};

use super::row::Row;
use crate::{sqlite_file::SqliteFile, sqlx_error::failed};

/// Message to the writer.
pub(super) enum Order {
    /// Writes a record. The record is boxed, because the queue moves messages and the other variant is small.
    Write(Box<Row>),
    /// Asks for an answer after all previous records are in the file or in the log.
    Answer(oneshot::Sender<()>),
}

/// Task that writes records. If the task is dropped, it logs the records that are not yet written.
pub(super) struct Writer {
    pub(super) database: SqliteFile,
    pub(super) orders: mpsc::Receiver<Order>,
    /// Records of the current batch, which are shared with the transaction that writes them.
    pub(super) rows: Arc<Vec<Row>>,
    pub(super) shared: Arc<Shared>,
}

/// State that the sink shares with its writer.
#[derive(Default)]
pub(super) struct Shared {
    /// Cloned by each call of [`flush`](super::SqlAudit::flush). While a clone exists, records that cannot be
    /// written are logged at once, so that a flush ends even if the file never recovers.
    pub(super) flushing: Arc<()>,
    /// Number of records that were logged because they could not be written.
    pub(super) given_up: AtomicU64,
}

impl Writer {
    /// Runs until all clones of the sink are dropped and the queue is empty.
    pub(super) async fn run(mut self) {
        let mut orders = Vec::with_capacity(BATCH);
        while self.orders.recv_many(&mut orders, BATCH).await > 0 {
            // All records of a batch are written before any answer is sent. An answer may therefore also cover records
            // that were queued after its request.
            let (rows, answers) = sort(orders.drain(..));
            self.rows = Arc::new(rows);
            if !self.rows.is_empty() {
                self.write().await;
            }
            metrics::gauge!("doorward_audit_waiting").set(self.orders.len() as f64);
            for answer in answers {
                // The caller may have dropped its future.
                answer.send(()).ok();
            }
        }
    }

    /// Writes the current batch, and retries until it is written. If a write fails while a caller flushes or after
    /// all clones of the sink were dropped, logs the records instead.
    async fn write(&mut self) {
        let mut is_reported = false;
        while let Err(reason) = self.try_to_write().await {
            let reason = source(&reason);
            // A flush, or a shutdown after the last handle was dropped, must not wait for a file that may never
            // recover.
            if Arc::strong_count(&self.shared.flushing) > 1 || self.orders.is_closed() {
                for row in mem::take(&mut self.rows).iter() {
                    self.shared.log(row, &reason);
                }
                return;
            }
            if !is_reported {
                is_reported = true;
                error!(reason, "Audit records cannot be written; they wait.");
            }
            sleep(BETWEEN_ATTEMPTS).await;
        }
        self.rows = Arc::default();
        if is_reported {
            warn!("Audit records are written again.");
        }
    }

    async fn try_to_write(&self) -> Result<(), StoreError> {
        let rows = self.rows.clone();
        let written = self.database.write(move |connection| {
            Box::pin(async move {
                for row in rows.iter() {
                    row.insert(&mut *connection).await.map_err(failed)?;
                }
                Ok(())
            })
        });
        written.await
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Records are left only if the runtime shuts down before the task has ended. The running transaction may still
        // be committed, so its records can be in the file and in the log.
        let reason = "the server has stopped while the record was waiting or being written";
        for row in self.rows.iter() {
            self.shared.log(row, &reason);
        }
        self.orders.close();
        while let Ok(order) = self.orders.try_recv() {
            if let Order::Write(row) = order {
                self.shared.log(&row, &reason);
            }
        }
    }
}

fn sort(orders: impl Iterator<Item = Order>) -> (Vec<Row>, Vec<oneshot::Sender<()>>) {
    let (mut rows, mut answers) = (Vec::new(), Vec::new());
    for order in orders {
        match order {
            Order::Write(row) => rows.push(*row),
            Order::Answer(answer) => answers.push(answer),
        }
    }
    (rows, answers)
}

/// Returns the text of the error's source, which names the problem of the database. Returns the text of the error if it
/// has no source.
fn source(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

impl Shared {
    /// Logs a record that cannot be written.
    pub(super) fn log(&self, row: &Row, reason: &dyn fmt::Display) {
        self.given_up.fetch_add(1, Ordering::Release);
        count_dropped();
        error!(target: "doorward::audit", record = ?row, %reason, "An audit record could not be written to its file.");
    }
}

pub(super) fn count_dropped() {
    metrics::counter!("doorward_audit_dropped_total").increment(1);
}

const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(1);

/// Maximum number of records in one transaction. A transaction waits for the disk once, regardless of its number of
/// rows.
const BATCH: usize = 512;
