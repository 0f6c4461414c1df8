//! Looks again and again whether those who are here may still be.
//!
//! Whoever revokes tells the sockets at once. This finds what such a message did not reach: a session that
//! another process has ended, a revocation by a server that failed half-way. It also writes down that
//! sessions are in use. While the store does not answer, sockets go on for a while and no longer.
//! Start reading at [`sweep`].

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use doorward_core::{BoxError, DisconnectReason, LeaseError, SocketId};
use futures_util::future::join_all;

use crate::{catch::Caught, resident::Resident, services::Services};

/// Sweeps for as long as the server lives.
pub(crate) fn start(services: &Arc<Services>) {
    let weak = Arc::downgrade(services);
    let mut sweeper = Sweeper { confirmed: HashMap::new(), previous: services.clock.now() };
    let mut next = services.clock.now() + services.limits.sweep_interval;
    tokio::spawn(async move {
        loop {
            let Some(services) = weak.upgrade() else { return };
            let pause = services.clock.sleep_until(next);
            drop(services);
            pause.await;
            let Some(services) = weak.upgrade() else { return };
            let begun = services.clock.now();
            let wait = sweeper.sweep(&services).await;
            // A sweep takes as long as it takes, and that is no reason to begin the next one later.
            next = begun + wait;
        }
    });
}

/// When each socket was last known to be allowed.
struct Sweeper {
    confirmed: HashMap<SocketId, Instant>,
    /// When the last sweep began: whoever has come in since was asked after at the door.
    previous: Instant,
}

impl Sweeper {
    /// Asks after everybody once, and says how long to wait until the next time.
    async fn sweep(&mut self, services: &Services) -> Duration {
        let begun = services.clock.now();
        let mut known = services.registry.everybody();
        known.retain(|resident| resident.is_known());
        let previous = std::mem::replace(&mut self.previous, begun);
        let confirmed = known.iter().map(|resident| {
            let id = resident.id();
            (id, self.confirmed.get(&id).copied().unwrap_or(previous))
        });
        self.confirmed = confirmed.collect();
        let mut is_answered = true;
        for some in known.chunks(AT_ONCE) {
            let asked = some.iter().map(|resident| {
                let look = Caught::new(async { look(services, &**resident).await });
                services.within(ASKED_WITHIN, look)
            });
            let answers = join_all(asked).await;
            let all_failed = !answers.iter().any(|answer| matches!(answer, Some(Ok(Ok(_)))));
            for (resident, answer) in some.iter().zip(answers) {
                is_answered &= self.judge(&**resident, answer, services);
            }
            if all_failed {
                break;
            }
        }
        self.end_unconfirmed(&known, services).await;
        let patience = patience(services);
        let earliest = self.confirmed.values().min().map(|at| *at + patience);
        let interval = services.limits.sweep_interval;
        let wait = if is_answered { interval } else { interval.min(WHILE_AWAY) };
        let left = earliest.map(|at| at.saturating_duration_since(begun));
        wait.min(left.unwrap_or(wait)).max(SHORTEST)
    }

    /// Acts on one answer, and says whether there was one.
    fn judge(
        &mut self,
        resident: &dyn Resident,
        answer: Option<Result<Result<Option<DisconnectReason>, BoxError>, crate::catch::Panicked>>,
        services: &Services,
    ) -> bool {
        match answer {
            Some(Ok(Ok(reason))) => {
                self.confirmed.insert(resident.id(), services.clock.now());
                if let Some(reason) = reason {
                    resident.cut(reason);
                }
                return true;
            }
            Some(Ok(Err(cause))) => tracing::warn!(%cause, "A socket cannot be asked after."),
            Some(Err(panicked)) => tracing::error!(%panicked, "A socket cannot be asked after."),
            None => tracing::warn!("A socket cannot be asked after: no answer in time."),
        }
        false
    }

    /// Ends those of whom nobody has known for too long whether they may be here; one group after the
    /// other, so that they do not come back all at once.
    async fn end_unconfirmed(&self, known: &[Arc<dyn Resident>], services: &Services) {
        let (now, patience) = (services.clock.now(), patience(services));
        let is_over = |resident: &&Arc<dyn Resident>| {
            self.confirmed.get(&resident.id()).is_some_and(|at| *at + patience <= now)
        };
        let over: Vec<_> = known.iter().filter(is_over).collect();
        if over.is_empty() {
            return;
        }
        tracing::error!(sockets = over.len(), "Nobody can say who may be here: sockets end.");
        let size = over.len().div_ceil(STEPS as usize).max(1);
        for (step, some) in over.chunks(size).enumerate() {
            if step > 0 {
                services.clock.sleep_until(services.clock.now() + SPREAD_OVER / STEPS).await;
            }
            for resident in some {
                resident.cut(DisconnectReason::Unavailable);
            }
        }
    }
}

/// How long a socket goes on without an answer; ending all of them fits into what is left of the grace.
fn patience(services: &Services) -> Duration {
    services.limits.store_grace.saturating_sub(SPREAD_OVER)
}

/// Whether a socket may stay; a reason when it may not.
async fn look(
    services: &Services,
    resident: &dyn Resident,
) -> Result<Option<DisconnectReason>, BoxError> {
    let credential = resident.credential();
    let (session, token) = (credential.session.as_ref(), credential.token.as_ref());
    let epoch = services.epochs.read(resident.user(), session, token).await?;
    // It may have been refreshed meanwhile.
    if !resident.holds(&epoch) {
        return Ok(Some(DisconnectReason::Revoked));
    }
    let Some(lease) = resident.lease() else { return Ok(None) };
    match lease.renew(services.clock.wall()).await {
        Ok(_) => Ok(None),
        Err(LeaseError::Ended) => Ok(Some(DisconnectReason::SessionExpired)),
        Err(error) => Err(error.into()),
    }
}

/// How long one answer may take.
const ASKED_WITHIN: Duration = Duration::from_secs(2);

/// Questions that are open at the same time.
const AT_ONCE: usize = 64;

/// No two sweeps are closer.
const SHORTEST: Duration = Duration::from_millis(100);

/// How soon a store is asked again that did not answer.
const WHILE_AWAY: Duration = Duration::from_secs(2);

/// How long it takes to end everybody.
const SPREAD_OVER: Duration = Duration::from_secs(3);

/// In so many groups.
const STEPS: u32 = 100;
