//! Limits expensive work: how much runs concurrently, and how much is queued.
//!
//! The work runs on a separate thread, which holds its permit. A client that leaves does not release the permit
//! before the work has ended, so the limit is never exceeded. Turns are granted in the order of requests. Start
//! reading at [`Turns::run`].

use std::{sync::Arc, time::Duration};

use doorward::server::Clock;
use metrics::{Gauge, counter, gauge};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A queue for one kind of work.
pub(crate) struct Turns {
    /// Label of its metrics.
    kind: &'static str,
    /// Permits of running work.
    turns: Arc<Semaphore>,
    /// Permits of queued and running work; a full queue rejects more.
    places: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
}

/// Reasons for which work was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotDone {
    /// The queue is full.
    Full,
    /// The turn did not come within [`PATIENCE`].
    Late,
    /// The work has panicked, or the runtime shuts down.
    Failed,
}

impl Turns {
    /// Creates a queue with a limit of concurrent work.
    pub(crate) fn new(kind: &'static str, at_once: usize, clock: Arc<dyn Clock>) -> Self {
        let (turns, places) = (Semaphore::new(at_once), Semaphore::new(at_once + WAITING));
        Self { kind, turns: Arc::new(turns), places: Arc::new(places), clock }
    }

    /// Waits for a turn, and runs `work` on a thread for blocking work.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the queue. Work that has started runs to its end and keeps its
    /// permit until then.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_full| self.refused(NotDone::Full))?;
        let turn = self.turn().await?;
        let running = Counted::new(gauge!(RUNNING, "kind" => self.kind));
        let held = (place, turn, running);
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(held);
            done
        });
        done.await.map_err(|_panicked| self.refused(NotDone::Failed))
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, NotDone> {
        let _waiting = Counted::new(gauge!(WAITING_NOW, "kind" => self.kind));
        let deadline = self.clock.sleep_until(self.clock.now() + PATIENCE);
        tokio::select! {
            biased;
            turn = Arc::clone(&self.turns).acquire_owned() => turn.map_err(|_closed| NotDone::Failed),
            () = deadline => Err(self.refused(NotDone::Late)),
        }
    }

    fn refused(&self, why: NotDone) -> NotDone {
        let reason = match why {
            NotDone::Failed => "failed",
            NotDone::Full => "full",
            NotDone::Late => "late",
        };
        counter!(REFUSED, "kind" => self.kind, "reason" => reason).increment(1);
        why
    }
}

/// Increments a gauge while it exists.
struct Counted(Gauge);

impl Counted {
    fn new(gauge: Gauge) -> Self {
        gauge.increment(1);
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

/// Maximum of queued work: some seconds of hashing. More would exceed [`PATIENCE`] on a slow machine.
pub(crate) const WAITING: usize = 128;

/// Maximum wait for a turn. A person still waits for the answer after that time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

const REFUSED: &str = "doorward_hashing_refused_total";
const RUNNING: &str = "doorward_hashing_running";
const WAITING_NOW: &str = "doorward_hashing_waiting";

#[cfg(test)]
mod tests;
