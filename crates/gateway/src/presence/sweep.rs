//! Re-checks connected sockets against the session store.
//!
//! A revocation tells the sockets of its own server at once. The sweep finds what such a message did not
//! reach: a session that another process has ended, or a revocation by a server that failed half-way. It also
//! renews the sessions that are in use. While the store does not answer, sockets stay connected for
//! `Limits::store_grace` and no longer. A slow store is asked more questions at a time, and a question that was
//! not asked yet counts against no socket. Start reading at [`Sweeper::sweep`].

pub(crate) mod pace;

use std::{
    collections::HashMap,
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use doorward_core::{BoxError, DisconnectReason, LeaseError, SocketId};
use futures_util::{StreamExt as _, stream::FuturesUnordered};

use crate::{
    presence::{
        resident::Resident,
        services::{QUIET, Services},
        sweep::pace::Pace,
    },
    runtime::{
        catch::{Caught, Panicked},
        outage::NoAnswer,
    },
};

/// Sweeps until the server is dropped.
pub(crate) fn start(services: &Arc<Services>) {
    let weak = Arc::downgrade(services);
    let mut sweeper = Sweeper::default();
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
            // The interval runs from the beginning of the sweep, however long it takes.
            next = begun + wait;
        }
    });
}

/// The questions about each socket, and their answers.
#[derive(Default)]
struct Sweeper {
    seen: HashMap<SocketId, Seen>,
    /// When the current round began. A round asks about every socket once, in one sweep or several.
    round: Option<Instant>,
}

/// The state of one socket.
#[derive(Clone, Copy)]
struct Seen {
    /// When the last sweep began that asked about it; at first, when it was first seen.
    asked: Instant,
    /// When the last answer came.
    answered: Option<Instant>,
    /// Set while its questions get no answer.
    failing: Option<Failing>,
}

/// Since when there is no answer about a socket.
#[derive(Clone, Copy)]
struct Failing {
    since: Instant,
    /// The store answered other questions and not this one. Otherwise the store was silent as a whole.
    is_own: bool,
}

/// How a sweep went.
struct Swept {
    /// Every socket was asked about.
    is_complete: bool,
    /// Every question got its answer.
    is_answered: bool,
    /// No question got an answer, so the sockets that are left were not asked after.
    gave_up: bool,
}

/// An answer, or the way in which there is none: too late, a panic, an error.
type Answer = Option<Result<Result<Option<DisconnectReason>, BoxError>, Panicked>>;

impl Sweeper {
    /// Asks about as many sockets as the time allows, beginning with the question that is longest ago. Returns how
    /// long to wait until the next sweep.
    async fn sweep(&mut self, services: &Services) -> Duration {
        let (begun, limits) = (services.clock.now(), &services.limits);
        let known = self.line_up(services, begun);
        let swept = self.ask(&known, services, begun).await;
        let round = *self.round.get_or_insert(begun);
        if swept.is_complete {
            if !known.is_empty() {
                services.metrics.swept(services.clock.now().saturating_duration_since(round));
            }
            self.round = None;
        }
        if swept.is_answered && !known.is_empty() {
            services.store.answered(services.clock.now());
        }
        self.end_unanswered(&known, swept.gave_up, services).await;
        let wait = match swept {
            // Matched first: a store that does not answer is not asked again at once.
            Swept { gave_up: true, .. } => limits.sweep_interval.min(WHILE_AWAY),
            Swept { is_complete: false, .. } => SHORTEST,
            Swept { is_answered: false, .. } => limits.sweep_interval.min(WHILE_AWAY),
            // The next answer says that the outage is over.
            _ if services.store.is_away() => limits.sweep_interval.min(QUIET),
            _ => limits.sweep_interval,
        };
        let failing = self.seen.values().filter_map(|seen| Some(seen.failing?.since)).min();
        let left = failing.map(|at| (at + patience(services)).saturating_duration_since(begun));
        wait.min(left.unwrap_or(wait)).max(SHORTEST)
    }

    /// Returns every authenticated socket, beginning with the one whose last question is longest ago.
    fn line_up(&mut self, services: &Services, now: Instant) -> Vec<Arc<dyn Resident>> {
        let mut known = services.registry.everybody();
        known.retain(|resident| resident.is_known());
        let new = Seen { asked: now, answered: None, failing: None };
        let seen = known.iter().map(|resident| {
            let id = resident.id();
            (id, self.seen.get(&id).copied().unwrap_or(new))
        });
        self.seen = seen.collect();
        known.sort_by_cached_key(|resident| self.seen.get(&resident.id()).map(|seen| seen.asked));
        known
    }

    /// Asks about the sockets in their order, until the time of a sweep is over or the store is silent.
    async fn ask(
        &mut self,
        known: &[Arc<dyn Resident>],
        services: &Services,
        begun: Instant,
    ) -> Swept {
        let interval = services.limits.sweep_interval;
        let (until, soon) = (begun + interval, begun + interval / 2);
        let mut pace = Pace::new(AT_ONCE, AT_MOST);
        let (mut waiting, mut next) = (FuturesUnordered::new(), known.iter());
        let (mut failed, mut answered) = (Vec::new(), 0);
        loop {
            let mut now = services.clock.now();
            while waiting.len() < pace.window() && now < until {
                let Some(resident) = next.next() else { break };
                waiting.push(question(resident, services));
                now = services.clock.now();
            }
            let Some((resident, asked, answer)) = waiting.next().await else { break };
            let now = services.clock.now();
            if self.judge(&**resident, &answer, services) {
                answered += 1;
                let left = waiting.len() + next.len();
                pace.answered(now - asked, left, soon.saturating_duration_since(now));
                continue;
            }
            failed.push((resident.id(), asked));
            if answered == 0 && failed.len() >= AT_ONCE {
                break;
            }
        }
        for resident in known.iter().take(known.len() - next.len()) {
            if let Some(seen) = self.seen.get_mut(&resident.id()) {
                seen.asked = begun;
            }
        }
        let gave_up = answered == 0 && !failed.is_empty();
        if gave_up {
            // The store would say nothing about the others either.
            for resident in known {
                self.failed(resident.id(), begun, interval, false);
            }
        } else {
            for (socket, asked) in &failed {
                self.failed(*socket, *asked, interval, true);
            }
        }
        if answered > 0 {
            self.forgive();
        }
        Swept { is_complete: next.len() == 0, is_answered: failed.is_empty(), gave_up }
    }

    /// Acts on one answer. Returns whether there was one.
    fn judge(&mut self, resident: &dyn Resident, answer: &Answer, services: &Services) -> bool {
        let now = services.clock.now();
        let cause: &(dyn Error + 'static) = match answer {
            Some(Ok(Ok(reason))) => {
                if let Some(seen) = self.seen.get_mut(&resident.id()) {
                    (seen.answered, seen.failing) = (Some(now), None);
                }
                if let Some(reason) = *reason {
                    resident.cut(reason);
                }
                return true;
            }
            Some(Ok(Err(cause))) => &**cause,
            Some(Err(panicked)) => panicked,
            None => &NoAnswer,
        };
        services.store.failed(now, cause);
        false
    }

    /// Notes that there is no answer about a socket. Its patience runs from the last answer, without the time in which
    /// a slow sweep had not asked yet.
    fn failed(&mut self, socket: SocketId, asked: Instant, interval: Duration, is_own: bool) {
        let Some(seen) = self.seen.get_mut(&socket) else { return };
        if seen.answered.is_some_and(|answered| answered >= asked) {
            return;
        }
        let earliest = asked.checked_sub(interval).unwrap_or(asked);
        let since = seen.answered.map_or(earliest, |answered| answered.max(earliest));
        seen.failing.get_or_insert(Failing { since, is_own }).is_own |= is_own;
    }

    /// Forgets the silence of the whole store, after it has answered: sockets that this sweep did not reach stay.
    fn forgive(&mut self) {
        for seen in self.seen.values_mut() {
            seen.failing = seen.failing.filter(|failing| failing.is_own);
        }
    }

    /// Ends the sockets whose own questions have failed for too long, and all sockets when the whole store has.
    /// They end in groups, so that their clients do not reconnect all at once.
    async fn end_unanswered(
        &self,
        known: &[Arc<dyn Resident>],
        gave_up: bool,
        services: &Services,
    ) {
        let (now, patience) = (services.clock.now(), patience(services));
        let is_over = |resident: &&Arc<dyn Resident>| {
            let failing = self.seen.get(&resident.id()).and_then(|seen| seen.failing);
            failing.is_some_and(|at| at.since + patience <= now && (at.is_own || gave_up))
        };
        let over: Vec<_> = known.iter().filter(is_over).collect();
        if over.is_empty() {
            return;
        }
        tracing::error!(sockets = over.len(), "The session store does not answer: ending sockets.");
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

/// Asks about one socket.
async fn question<'a>(
    resident: &'a Arc<dyn Resident>,
    services: &Services,
) -> (&'a Arc<dyn Resident>, Instant, Answer) {
    let asked = services.clock.now();
    let look = Caught::new(async { look(services, &**resident).await });
    (resident, asked, services.within(ASKED_WITHIN, look).await)
}

/// How long a socket stays without an answer. What is left of the grace is the time in which all sockets end.
fn patience(services: &Services) -> Duration {
    services.limits.store_grace.saturating_sub(SPREAD_OVER)
}

/// Returns the reason for which a socket may not stay, if there is one.
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

/// Open questions at first. When so many fail before the first answer, the sweep gives up.
const AT_ONCE: usize = 64;

/// Open questions at most.
const AT_MOST: usize = 1024;

/// Shortest time between two sweeps.
const SHORTEST: Duration = Duration::from_millis(100);

/// Time until a store that did not answer is asked again.
const WHILE_AWAY: Duration = Duration::from_secs(2);

/// Time over which the ends of sockets are spread.
const SPREAD_OVER: Duration = Duration::from_secs(3);

/// Groups in which sockets end.
const STEPS: u32 = 100;
