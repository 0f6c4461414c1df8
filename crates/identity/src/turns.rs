//! Bounds work that is heavy: how much of it runs at once, and how much waits for its turn.
//!
//! The work runs on a thread of its own, and holds its permit there. A client that leaves does not give the
//! permit back before the work has ended, so there is never more than the bound. Turns come in the order in
//! which they were asked for. Start reading at [`Turns::run`].

use std::{sync::Arc, time::Duration};

use doorward::Clock;
use metrics::{Gauge, counter, gauge};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A queue for one kind of work.
pub(crate) struct Turns {
    /// The label of its metrics.
    kind: &'static str,
    /// Held by work that runs.
    turns: Arc<Semaphore>,
    /// Held by work that waits or runs: a queue that is full takes no more.
    places: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
}

/// The work was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotDone {
    /// Too much is waiting already.
    Full,
    /// Its turn did not come within [`PATIENCE`].
    Late,
    /// It panicked, or the server ends.
    Failed,
}

impl Turns {
    /// Lets so much work of this kind run at once.
    pub(crate) fn new(kind: &'static str, at_once: usize, clock: Arc<dyn Clock>) -> Self {
        let (turns, places) = (Semaphore::new(at_once), Semaphore::new(at_once + WAITING));
        Self { kind, turns: Arc::new(turns), places: Arc::new(places), clock }
    }

    /// Waits for a turn and runs `work` off the runtime.
    ///
    /// # Cancel safety
    /// Dropping the future gives up its place in the queue. Work that has begun runs to its end and keeps its permit until then.
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

/// Counts itself for as long as it lives.
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

/// Some seconds of hashing. More than that would wait for longer than [`PATIENCE`] on a slow machine.
pub(crate) const WAITING: usize = 128;

/// How long work waits for its turn. A person still waits for the answer then.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

const REFUSED: &str = "doorward_hashing_refused_total";
const RUNNING: &str = "doorward_hashing_running";
const WAITING_NOW: &str = "doorward_hashing_waiting";

#[cfg(test)]
mod tests;
