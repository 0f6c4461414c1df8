//! The task that empties the queue.

use std::{
    fmt, mem,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use doorward_core::StoreError;
use tokio::{
    sync::{mpsc, oneshot},
    time::sleep,
};
use tracing::{error, warn};

use super::{Order, Row};
use crate::sqlite_file::{SqliteFile, failed};

/// Holds what is on its way into the file. Dropped before it is done, it logs that.
pub(super) struct Writer {
    database: SqliteFile,
    orders: mpsc::Receiver<Order>,
    /// What is being written. Shared with the transaction that writes it.
    rows: Arc<Vec<Row>>,
    flushing: Arc<AtomicUsize>,
}

impl Writer {
    pub(super) fn new(
        database: SqliteFile,
        orders: mpsc::Receiver<Order>,
        flushing: Arc<AtomicUsize>,
    ) -> Self {
        Self { database, orders, rows: Arc::default(), flushing }
    }

    /// Writes until nobody is left who could record anything.
    pub(super) async fn run(mut self) {
        let mut orders = Vec::with_capacity(BATCH);
        while self.orders.recv_many(&mut orders, BATCH).await > 0 {
            let (rows, answers) = sort(orders.drain(..));
            self.rows = Arc::new(rows);
            let are_kept = self.rows.is_empty() || self.write().await;
            metrics::gauge!("doorward_audit_waiting").set(self.orders.len() as f64);
            for answer in answers {
                // Whoever asked may have gone.
                answer.send(are_kept).ok();
            }
        }
    }

    /// Writes the rows, and tries again until they are written or the server stops; says whether they are written.
    async fn write(&mut self) -> bool {
        let mut is_told = false;
        while let Err(reason) = self.try_to_write().await {
            let reason = source(&reason);
            if self.flushing.load(Ordering::Acquire) > 0 || self.orders.is_closed() {
                for row in mem::take(&mut self.rows).iter() {
                    log_row(row, &reason);
                }
                return false;
            }
            if !is_told {
                is_told = true;
                error!(reason, "Audit records cannot be written; they wait.");
            }
            sleep(BETWEEN_ATTEMPTS).await;
        }
        self.rows = Arc::default();
        if is_told {
            warn!("Audit records are written again.");
        }
        true
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
        let reason = "the server has stopped before it was written, or just after";
        for row in self.rows.iter() {
            log_row(row, &reason);
        }
        self.orders.close();
        while let Ok(order) = self.orders.try_recv() {
            log(order, &reason);
        }
    }
}

fn sort(orders: impl Iterator<Item = Order>) -> (Vec<Row>, Vec<oneshot::Sender<bool>>) {
    let (mut rows, mut answers) = (Vec::new(), Vec::new());
    for order in orders {
        match order {
            Order::Write(row) => rows.push(*row),
            Order::Answer(answer) => answers.push(answer),
        }
    }
    (rows, answers)
}

/// What the database has said, and not only that it has failed.
fn source(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

/// Logs what cannot be written.
pub(super) fn log(order: Order, reason: &dyn fmt::Display) {
    if let Order::Write(row) = order {
        log_row(&row, reason);
    }
}

fn log_row(row: &Row, reason: &dyn fmt::Display) {
    count_dropped();
    error!(target: "doorward::audit", record = ?row, %reason, "An audit record could not be written to its file.");
}

pub(super) fn count_dropped() {
    metrics::counter!("doorward_audit_dropped_total").increment(1);
}

const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(1);

/// Written in one transaction: one wait for the disk.
const BATCH: usize = 512;
