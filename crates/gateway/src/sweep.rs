//! Looks again and again whether those who are here may still be.
//!
//! Whoever revokes tells the sockets at once. This finds what such a message did not reach: a session that
//! another process has ended, a revocation by a server that failed half-way. It also writes down that
//! sessions are in use. While the store does not answer, sockets go on for a while and no longer.
//! Start reading at [`sweep`].

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use doorward_core::{BoxError, DisconnectReason, LeaseError};

use crate::{resident::Resident, services::Services};

/// Sweeps for as long as the server lives.
pub(crate) fn start(services: &Arc<Services>) {
    let weak = Arc::downgrade(services);
    let mut answered_at = services.clock.now();
    let mut wait = services.limits.sweep_interval;
    tokio::spawn(async move {
        loop {
            let Some(services) = weak.upgrade() else { return };
            let pause = services.clock.sleep_until(services.clock.now() + wait);
            drop(services);
            pause.await;
            let Some(services) = weak.upgrade() else { return };
            let interval = services.limits.sweep_interval;
            let is_answered = sweep(&services, &mut answered_at).await;
            wait = if is_answered { interval } else { interval.min(WHILE_AWAY) };
        }
    });
}

/// Asks after everybody once, and says whether the store has answered. `answered_at` is when it last did.
async fn sweep(services: &Services, answered_at: &mut Instant) -> bool {
    let mut known = services.registry.everybody();
    known.retain(|resident| resident.is_known());
    let patience = services.limits.store_grace.saturating_sub(SPREAD_OVER);
    let mut failures = 0;
    for resident in &known {
        let left = (*answered_at + patience).saturating_duration_since(services.clock.now());
        let answer = services.within(left.min(ASKED_WITHIN), look(services, &**resident)).await;
        if let Some(Ok(reason)) = answer {
            *answered_at = services.clock.now();
            if let Some(reason) = reason {
                resident.cut(reason);
            }
            continue;
        }
        if let Some(Err(cause)) = answer {
            tracing::warn!(%cause, "The store does not answer.");
        }
        failures += 1;
        if *answered_at + patience <= services.clock.now() {
            end(services, &known).await;
            return false;
        }
        if failures >= GIVE_UP_AFTER {
            return false;
        }
    }
    if known.is_empty() {
        *answered_at = services.clock.now();
    }
    failures == 0
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

/// Nobody has known for too long who may be here. They end one after the other, so that they do not come
/// back all at once.
async fn end(services: &Services, known: &[Arc<dyn Resident>]) {
    tracing::error!(
        sockets = known.len(),
        "The store has been away for too long: all sockets end."
    );
    let size = known.len().div_ceil(STEPS as usize).max(1);
    for (step, some) in known.chunks(size).enumerate() {
        if step > 0 {
            services.clock.sleep_until(services.clock.now() + SPREAD_OVER / STEPS).await;
        }
        for resident in some {
            resident.cut(DisconnectReason::Unavailable);
        }
    }
}

/// How long one answer may take.
const ASKED_WITHIN: Duration = Duration::from_secs(2);

/// Questions without an answer after which the rest need not be asked.
const GIVE_UP_AFTER: usize = 3;

/// How soon a store is asked again that did not answer.
const WHILE_AWAY: Duration = Duration::from_secs(2);

/// How long it takes to end everybody.
const SPREAD_OVER: Duration = Duration::from_secs(3);

/// In so many groups.
const STEPS: u32 = 100;
