//! Extends an ownership while it is used, and gives the name back.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use doorward_core::{
    Incarnation,
    cluster::{Cluster, OWNED, Owned},
    lock,
};

use crate::{
    cluster::ownership::held::{Held, Names},
    presence::{services::Services, standing::Until},
};

/// Task that keeps one ownership.
pub(super) struct Keeping {
    pub(super) key: Arc<str>,
    pub(super) held: Arc<Held>,
    pub(super) names: Arc<Names>,
}

/// Reason why an ownership ends.
enum End {
    /// The program has dropped the last handle, or the server shuts down.
    Returned,
    /// The cluster has another owner, or was not reached in time, or the server was dropped.
    Lost,
}

impl Keeping {
    pub(super) async fn run(
        self,
        services: Weak<Services>,
        membership: Option<(Arc<dyn Cluster>, Incarnation)>,
    ) {
        let end = self.keep(&services, membership.as_ref()).await;
        if let (End::Returned, Some((cluster, member))) = (end, membership)
            && let Some(services) = services.upgrade()
        {
            let number = self.held.number.load(Ordering::Acquire);
            // If it fails, the name is free when the time of the ownership is over.
            services.within(ANSWERED_WITHIN, cluster.disown(member, &self.key, number)).await;
        }
        self.names.remove(&self.key, &self.held);
        self.held.end();
    }

    /// Keeps the ownership until it ends.
    async fn keep(
        &self,
        services: &Weak<Services>,
        membership: Option<&(Arc<dyn Cluster>, Incarnation)>,
    ) -> End {
        let mut wait = EVERY;
        loop {
            let Some(strong) = services.upgrade() else { return End::Lost };
            if membership.is_some() {
                wait = wait.min(lock(&self.held.until).left(&*strong.clock));
            }
            let pause = strong.clock.sleep_until(strong.clock.now() + wait);
            drop(strong);
            tokio::select! {
                () = pause => {}
                () = self.held.unused() => {
                    if self.names.begin_return(&self.held, |held| !held.is_used()) {
                        return End::Returned;
                    }
                }
            }
            let Some(services) = services.upgrade() else { return End::Lost };
            if services.is_draining() && self.names.begin_return(&self.held, |_| true) {
                return End::Returned;
            }
            if !self.held.is_current(&services) {
                return End::Lost;
            }
            let Some((cluster, member)) = membership else { continue };
            wait = match self.extend(&services, &**cluster, *member).await {
                Some(true) => EVERY,
                Some(false) => return End::Lost,
                None => RETRY,
            };
        }
    }

    /// Extends the ownership. Returns `false` if it has ended, and `None` if the cluster does not answer.
    async fn extend(
        &self,
        services: &Services,
        cluster: &dyn Cluster,
        member: Incarnation,
    ) -> Option<bool> {
        let sent = Until::now(&*services.clock);
        let left = lock(&self.held.until).left(&*services.clock).min(ANSWERED_WITHIN);
        let Ok(kept) = services.within(left, cluster.keep(member, &self.key)).await? else {
            return None;
        };
        let Some(Owned { number, .. }) = kept else { return Some(false) };
        let mut until = lock(&self.held.until);
        // An ownership that has ended is not extended, because the program may have seen its end.
        let is_current = self.held.is_held() && !until.left(&*services.clock).is_zero();
        if is_current {
            // An attempt of another caller, whose answer was lost, may have changed the number.
            self.held.number.fetch_max(number, Ordering::AcqRel);
            *until = end_of(sent);
        }
        drop(until);
        Some(is_current)
    }
}

/// Returns the time at which this node stops to own a name, if it has asked at the time `sent`.
pub(super) fn end_of(sent: Until) -> Until {
    sent.plus(OWNED.saturating_sub(MARGIN))
}

/// Time from one extension to the next one.
const EVERY: Duration = Duration::from_secs(3);

/// Time to wait after a failure.
const RETRY: Duration = Duration::from_millis(500);

/// Time by which this node stops before its ownership ends in the cluster.
const MARGIN: Duration = Duration::from_secs(2);

/// Time limit for an answer of the cluster.
pub(super) const ANSWERED_WITHIN: Duration = Duration::from_secs(2);
