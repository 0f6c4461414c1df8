//! Orders that this node carries out, and their results.
//!
//! `orders` begins them. Start reading at [`Carried`].

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use doorward_core::{
    cluster::{Outcome, Position},
    lock,
};
use futures_util::future::{BoxFuture, Shared};

/// Order that this node carries out. Clones follow the same order.
#[derive(Clone)]
pub(crate) struct Carrying {
    pub(super) progress: Arc<Progress>,
    pub(super) done: Shared<BoxFuture<'static, ()>>,
}

/// Sockets that an order covers, and what has become of them.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) total: u64,
    pub(super) ended: AtomicU64,
    pub(super) kept: AtomicU64,
    pub(super) undecided: AtomicU64,
}

impl Carrying {
    /// Returns the result so far. Sockets without a result are stuck.
    pub(crate) fn outcome(&self) -> Outcome {
        let Progress { total, ended, kept, undecided } = &*self.progress;
        let count = |counter: &AtomicU64| counter.load(Ordering::Acquire);
        let (ended, kept, undecided) = (count(ended), count(kept), count(undecided));
        let stuck = total.saturating_sub(ended + kept + undecided);
        Outcome { ended, stuck, kept, undecided }
    }

    /// Completes when no socket is stuck.
    pub(crate) async fn done(&self) {
        self.done.clone().await;
    }
}

/// Orders of the log that this node carries out or has carried out lately.
///
/// The caller who gives an order and the reader of the log both come upon it. The first of them
/// begins it, and the other one follows the same work, so that each socket counts once.
#[derive(Default)]
pub(crate) struct Carried(Mutex<BTreeMap<(Arc<str>, Position), Carrying>>);

impl Carried {
    /// Begins to carry out the order at a position of a log, unless it has begun already.
    pub(crate) fn begin(
        &self,
        log: &Arc<str>,
        position: Position,
        begin: impl FnOnce() -> Carrying,
    ) -> Carrying {
        let mut carried = lock(&self.0);
        let carrying = carried.entry((Arc::clone(log), position));
        let carrying = carrying.or_insert_with(begin).clone();
        while carried.len() > KEPT {
            carried.pop_first();
        }
        carrying
    }
}

/// Number of orders that are remembered. It covers the orders that are read at once, and those whose
/// writers have not gone on yet.
const KEPT: usize = 1024;
