//! Limits how much expensive work runs concurrently, and how much waits in a queue.
//!
//! A piece of work needs a turn to run, which is a permit of a semaphore. The work runs on a separate thread. The
//! thread holds the turn until the work has ended, even if the client has left, so the limit is never exceeded. Turns
//! are granted in the order of the requests. Start reading at [`Turns::run`].

use std::{sync::Arc, time::Duration};

use doorward::server::Clock;
use metrics::{Gauge, counter, gauge};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Queue for one kind of work.
pub(crate) struct Turns {
    /// Value of the label `kind` in the metrics of the queue.
    kind: &'static str,
    /// Permits for running work. Each running piece of work holds one.
    turns: Arc<Semaphore>,
    /// Permits for queued and running work. Each queued or running piece of work holds one. If none is left, further
    /// work is rejected.
    places: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
}

/// Reason why a piece of work was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotDone {
    /// The queue is full.
    Full,
    /// No turn was granted within [`PATIENCE`].
    Late,
    /// The work has panicked, or the runtime is shutting down.
    Failed,
}

impl Turns {
    /// Creates a queue that runs at most `at_once` pieces of work concurrently.
    pub(crate) fn new(kind: &'static str, at_once: usize, clock: Arc<dyn Clock>) -> Self {
        let (turns, places) = (Semaphore::new(at_once), Semaphore::new(at_once + WAITING));
        Self { kind, turns: Arc::new(turns), places: Arc::new(places), clock }
    }

    /// Waits for a turn, runs `work` on a thread for blocking work, and returns its result. Fails if the queue is full,
    /// if no turn was granted within [`PATIENCE`], or if the work has panicked.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the queue. Work that has started runs to its end and holds its turn
    /// until then.
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

/// Guard that keeps a gauge incremented while it exists.
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

/// Maximum number of queued pieces of work. Hashing all of them takes some seconds. The wait in a longer queue would
/// exceed [`PATIENCE`] on a slow machine.
pub(crate) const WAITING: usize = 128;

/// Maximum time to wait for a turn. A person is willing to wait this long for an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

const REFUSED: &str = "doorward_hashing_refused_total";
const RUNNING: &str = "doorward_hashing_running";
const WAITING_NOW: &str = "doorward_hashing_waiting";

#[cfg(test)]
mod tests;
