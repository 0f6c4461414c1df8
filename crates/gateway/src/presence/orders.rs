//! Carries out an order on this node: ends the sockets that it covers, or loads their rights again.
//!
//! Orders come from this node ([`Principals`](crate::Principals)) and from other nodes (`cluster`).
//! Start reading at [`begin`].

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use doorward_core::{
    BoxFuture, DisconnectReason, RevocationState,
    cluster::{Order, Outcome, Position},
    lock,
};
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{BoxFuture as SendFuture, Shared},
    stream::FuturesUnordered,
};

use tokio::sync::oneshot;

use crate::presence::{
    registry::Key,
    resident::{Reloaded, Resident},
    services::Services,
};

/// Order that this node carries out. Clones follow the same order.
#[derive(Clone)]
pub(crate) struct Carrying {
    progress: Arc<Progress>,
    done: Shared<SendFuture<'static, ()>>,
}

/// Sockets that an order covers, and what has become of them.
#[derive(Default)]
struct Progress {
    total: u64,
    ended: AtomicU64,
    kept: AtomicU64,
    undecided: AtomicU64,
}

impl Carrying {
    /// Returns the result so far. Sockets that have not ended yet are stuck.
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
pub(crate) struct Carried(Mutex<BTreeMap<Position, Carrying>>);

impl Carried {
    /// Begins to carry out the order at a position of the log, unless it has begun already.
    pub(crate) fn begin(
        &self,
        position: Position,
        services: &Services,
        order: &Order,
        state: &RevocationState,
    ) -> Carrying {
        let mut carried = lock(&self.0);
        let carrying = carried.entry(position);
        let carrying = carrying.or_insert_with(|| begin(services, order, state)).clone();
        while carried.len() > KEPT {
            carried.pop_first();
        }
        carrying
    }

    /// Forgets all orders, because the node has joined again and the log may be another one.
    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }
}

/// Begins to carry out an order. When this function returns, the sockets have been told to end. So
/// no further event starts for them, and their queued packets are dropped.
///
/// `state` is the revocation that the order makes known. Sockets whose credential holds against it
/// stay, because their clients have signed in after the revocation.
pub(crate) fn begin(services: &Services, order: &Order, state: &RevocationState) -> Carrying {
    let registry = &services.registry;
    let (found, reason) = match order {
        Order::Session(session) => {
            (registry.of(&Key::Session(session.clone())), DisconnectReason::Revoked)
        }
        Order::Token(token) => (registry.of(&Key::Token(token.clone())), DisconnectReason::Revoked),
        Order::User(user) => {
            let mut found = registry.of(&Key::User(user.clone()));
            found.retain(|resident| !resident.holds(state));
            (found, DisconnectReason::Revoked)
        }
        Order::Socket(socket) => {
            (registry.socket(*socket).into_iter().collect(), DisconnectReason::Revoked)
        }
        Order::Replaced(socket) => {
            (registry.socket(*socket).into_iter().collect(), DisconnectReason::Replaced)
        }
        Order::Rights(user) => {
            // The counter is incremented before the registry is searched. A socket that is being
            // admitted is either found in the registry, or its admission detects the new count and
            // reloads the principal.
            services.rights_changed.fetch_add(1, Ordering::SeqCst);
            // A reload that was begun is completed, even if no caller waits for it any more.
            return follow(registry.of(&Key::User(user.clone())), |resident, progress| {
                // A reload that was begun is completed, even if no caller waits for it any more.
                let work = tokio::spawn(reload(resident, progress));
                Box::pin(async move {
                    // A panic is resumed in the caller. A runtime that shuts down cancels the work.
                    let failed = work.await.err().and_then(|failed| failed.try_into_panic().ok());
                    if let Some(panic) = failed {
                        std::panic::resume_unwind(panic);
                    }
                })
            });
        }
        Order::Probe { incarnation, link } => {
            let is_here = services.standing.incarnation() == Some(*incarnation);
            let asked = is_here.then(|| registry.link(*link).map(|link| link.probe()));
            return follow(asked.into_iter().collect(), probe);
        }
        _ => (Vec::new(), DisconnectReason::Revoked),
    };
    // All sockets are told to end before the first one is awaited.
    for resident in &found {
        resident.cut(reason);
    }
    follow(found, |resident, progress| {
        Box::pin(async move {
            resident.closed().await;
            progress.ended.fetch_add(1, Ordering::AcqRel);
        })
    })
}

/// Follows every socket or link with `work` until it is counted.
fn follow<T>(all: Vec<T>, work: impl Fn(T, Arc<Progress>) -> BoxFuture<'static, ()>) -> Carrying {
    let progress = Arc::new(Progress { total: all.len() as u64, ..Progress::default() });
    let each = all.into_iter().map(|one| work(one, Arc::clone(&progress)));
    let mut waiting: FuturesUnordered<_> = each.collect();
    let done = async move { while waiting.next().await.is_some() {} };
    Carrying { progress, done: done.boxed().shared() }
}

/// Waits for the answer of a link, which is `None` if the link has ended.
fn probe(asked: Option<oneshot::Receiver<()>>, progress: Arc<Progress>) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let is_alive = match asked {
            Some(answer) => answer.await.is_ok(),
            None => false,
        };
        let counter = if is_alive { &progress.kept } else { &progress.ended };
        counter.fetch_add(1, Ordering::AcqRel);
    })
}

/// Loads the principal of a socket again, and waits until the socket has closed if it has to end.
fn reload(resident: Arc<dyn Resident>, progress: Arc<Progress>) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let counter = match resident.reload().await {
            Reloaded::Stays => &progress.kept,
            Reloaded::Ends => {
                resident.closed().await;
                &progress.ended
            }
            Reloaded::Undecided(cause) => {
                tracing::warn!(
                    socket = %resident.id(),
                    %cause,
                    "The rights of a socket were not reloaded, so it continues with the old ones."
                );
                &progress.undecided
            }
        };
        counter.fetch_add(1, Ordering::AcqRel);
    })
}

/// Number of orders that are remembered. It covers the orders that are read at once, and those whose
/// writers have not gone on yet.
const KEPT: usize = 1024;
