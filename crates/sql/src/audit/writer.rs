//! The task that empties the queue.

use std::{fmt, mem, sync::Arc};

use tokio::sync::{mpsc, oneshot};
use tracing::error;

use super::{Order, Row};
use crate::sqlite_file::{SqliteFile, failed};

/// Holds what is on its way into the file. Dropped before it is done, it logs that.
pub(super) struct Writer {
    database: SqliteFile,
    orders: mpsc::Receiver<Order>,
    /// What is being written. Shared with the transaction that writes it.
    rows: Arc<Vec<Row>>,
}

impl Writer {
    pub(super) fn new(database: SqliteFile, orders: mpsc::Receiver<Order>) -> Self {
        Self { database, orders, rows: Arc::default() }
    }

    /// Writes until nobody is left who could record anything.
    pub(super) async fn run(mut self) {
        let mut orders = Vec::with_capacity(BATCH);
        while self.orders.recv_many(&mut orders, BATCH).await > 0 {
            let (rows, answers) = sort(orders.drain(..));
            self.rows = Arc::new(rows);
            if !self.rows.is_empty() {
                self.write().await;
            }
            for answer in answers {
                // Whoever asked may have gone.
                answer.send(()).ok();
            }
        }
    }

    async fn write(&mut self) {
        let rows = self.rows.clone();
        let written = self.database.write(move |connection| {
            Box::pin(async move {
                for row in rows.iter() {
                    row.insert(&mut *connection).await.map_err(failed)?;
                }
                Ok(())
            })
        });
        let written = written.await;
        let rows = mem::take(&mut self.rows);
        if let Err(reason) = written {
            for row in rows.iter() {
                log_row(row, &source(&reason));
            }
        }
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
    error!(record = ?row, %reason, "An audit record could not be written to its file.");
}

/// Written in one transaction: one wait for the disk.
const BATCH: usize = 512;
