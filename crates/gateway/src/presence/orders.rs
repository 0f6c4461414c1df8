//! Carries out an order on this node: ends the sockets that it covers, or loads their rights again.
//!
//! Orders come from this node ([`Principals`](crate::Principals)) and from other nodes (`cluster`).
//! Start reading at [`begin`].

use std::sync::{Arc, atomic::Ordering};

use doorward_core::{BoxFuture, DisconnectReason, RevocationState, cluster::Order};
use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use tokio::sync::oneshot;

use crate::presence::{
    carried::{Carrying, Progress},
    registry::Key,
    resident::{Reloaded, Resident},
    services::Services,
};

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
            let is_present = services.standing.incarnation() == Some(*incarnation);
            let asked = is_present.then(|| registry.link(*link).map(|link| link.probe()));
            return follow(asked.into_iter().collect(), probe);
        }
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
