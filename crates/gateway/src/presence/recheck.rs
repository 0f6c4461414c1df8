//! Re-checks connected sockets against the stores of sessions and revocations, every
//! `Limits::sweep_interval`. One such re-check is called a sweep.
//!
//! A revocation ends the sockets of its own server at once. The sweep finds sockets whose session
//! was ended by another process, or whose revocation was interrupted by a failure of a server. It
//! also renews the sessions that are in use. While the stores do not answer, sockets stay connected
//! for at most `Limits::store_grace`, and `admission/vetting.rs` admits no new clients. If the
//! stores are slow, more lookups run concurrently. A socket whose lookup has not started does not
//! count as unanswered.
//!
//! Some credentials are also checked with their issuer. An issuer that does not answer affects only
//! the sockets with its credentials, which have the same grace period. Start reading at
//! [`Sweeper::sweep`].

pub(crate) mod pace;
mod seen;

use std::{
    collections::HashMap,
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use doorward_core::{BoxError, Causes, DisconnectReason, LeaseError, SocketId};
use futures_util::{StreamExt as _, stream::FuturesUnordered};

use crate::{
    presence::{
        groups::{SPREAD_OVER, end_in_groups},
        recheck::{
            pace::Pace,
            seen::{Seen, Silent},
        },
        resident::Resident,
        services::{QUIET, Services},
    },
    runtime::{
        catch::{Caught, Panicked},
        outage_log::NoAnswer,
    },
};

/// Spawns the task that runs sweeps until the server is dropped.
pub(crate) fn start(services: &Arc<Services>) {
    let weak = Arc::downgrade(services);
    let mut sweeper = Sweeper::default();
    let mut next = services.clock.now() + services.limits.sweep_interval;
    tokio::spawn(async move {
        loop {
            let Some(services) = weak.upgrade() else { return };
            // During the pause the task has no strong reference, so that a dropped server is freed.
            let pause = services.clock.sleep_until(next);
            drop(services);
            pause.await;
            let Some(services) = weak.upgrade() else { return };
            let begun = services.clock.now();
            services.admissions.settle(begun);
            let wait = sweeper.sweep(&services).await;
            // The interval starts at the beginning of the sweep, regardless of how long the sweep
            // takes.
            next = begun + wait;
        }
    });
}

/// State that is kept between sweeps, which is the time and the result of the last lookup of each
/// socket.
#[derive(Default)]
struct Sweeper {
    seen: HashMap<SocketId, Seen>,
    /// Start of the current round, or `None` between two rounds. A round looks up every socket
    /// once, in one sweep or several.
    round: Option<Instant>,
}

/// Outcome of a sweep.
struct Swept {
    /// `true` if every socket was looked up.
    is_complete: bool,
    /// `true` if the store answered about every socket that was looked up.
    is_answered: bool,
    /// `true` if the store answered nothing, so the remaining sockets were not looked up.
    gave_up: bool,
}

/// Result of one lookup. `None` if it timed out, and `Err` if it panicked.
type Answer = Option<Result<Looked, Panicked>>;

/// Answer about one socket: the reason to end it, or `None` if it may stay connected.
type Looked = Result<Option<DisconnectReason>, NoLook>;

/// Reason why a lookup has no answer.
enum NoLook {
    /// The issuer of the credential did not answer. This says nothing about other sockets.
    Issuer(BoxError),
    /// A store did not answer.
    Store(BoxError),
}

/// Outcome of a lookup, as the sweep counts it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Settled {
    Answered,
    /// The store answered, but not the issuer of the credential.
    IssuerAway,
    StoreAway,
}

impl Sweeper {
    /// Looks up as many sockets as the time allows, beginning with the socket whose last lookup is
    /// the oldest. Returns the time from the beginning of this sweep to the beginning of the next
    /// one.
    async fn sweep(&mut self, services: &Services) -> Duration {
        // The sweep must distinguish three situations, because each ends different sockets:
        // - The store answers, but not about one socket. This socket ends when its grace period has
        //   expired.
        // - The store answers nothing. All sockets end when their grace period has expired. One
        //   full batch without an answer counts for all sockets, so that an outage does not queue a
        //   lookup for each of them.
        // - The store answers slowly. No socket ends. If a sweep runs out of time, the next sweep
        //   continues it, and a socket that was not looked up does not count as unanswered.
        // Sockets are therefore looked up in the order of their last lookup. A round is complete
        // when each of them was looked up once.
        let (begun, limits) = (services.clock.now(), &services.limits);
        let known = self.line_up(services, begun);
        let swept = self.ask(&known, services, begun).await;
        let round = *self.round.get_or_insert(begun);
        if swept.is_complete {
            if !known.is_empty() {
                let took = services.clock.now().saturating_duration_since(round);
                services.metrics.sweep.record(took);
            }
            self.round = None;
        }
        if swept.is_answered && !known.is_empty() {
            services.store.answered(services.clock.now());
        }
        self.end_unanswered(&known, swept.gave_up, services).await;
        let wait = match swept {
            // This arm comes first, so that a store that does not answer is not queried again at
            // once.
            Swept { gave_up: true, .. } => limits.sweep_interval.min(WHILE_AWAY),
            Swept { is_complete: false, .. } => SHORTEST,
            Swept { is_answered: false, .. } => limits.sweep_interval.min(WHILE_AWAY),
            // The next sweep is soon, because an answer after `QUIET` ends the outage.
            _ if services.store.is_away() => limits.sweep_interval.min(QUIET),
            _ => limits.sweep_interval,
        };
        // The next sweep is not later than the end of the first grace period, so that its socket
        // ends on time.
        let failing = self.seen.values().filter_map(|seen| Some(seen.failing?.since)).min();
        let left = failing.map(|at| (at + patience(services)).saturating_duration_since(begun));
        wait.min(left.unwrap_or(wait)).max(SHORTEST)
    }

    /// Returns every authenticated socket, beginning with the socket whose last lookup is the
    /// oldest. Forgets sockets that have ended.
    fn line_up(&mut self, services: &Services, now: Instant) -> Vec<Arc<dyn Resident>> {
        let mut known = services.registry.all_sockets();
        known.retain(|resident| resident.is_known());
        let new = Seen::new(now);
        let seen = known.iter().map(|resident| {
            let id = resident.id();
            (id, self.seen.get(&id).copied().unwrap_or(new))
        });
        self.seen = seen.collect();
        // Sockets of a failing issuer are first, so that one lost answer does not end them. Sockets about
        // which the store fails are not: a full batch of failures means that the store is away.
        known.sort_by_cached_key(|resident| {
            let seen = self.seen.get(&resident.id());
            let is_failing =
                |seen: &Seen| seen.failing.is_some_and(|failing| failing.silent == Silent::Issuer);
            (!seen.is_some_and(is_failing), seen.map(|seen| seen.asked))
        });
        known
    }

    /// Looks up the sockets in the given order, until the interval has passed or a full batch has
    /// failed without an answer.
    async fn ask(
        &mut self,
        known: &[Arc<dyn Resident>],
        services: &Services,
        begun: Instant,
    ) -> Swept {
        let interval = services.limits.sweep_interval;
        // The pace is set so that the sweep takes half of the interval. The other half is a reserve
        // for slower answers.
        let (until, soon) = (begun + interval, begun + interval / 2);
        let mut pace = Pace::new(AT_ONCE, AT_MOST);
        let (mut waiting, mut next) = (FuturesUnordered::new(), known.iter());
        let (mut failed, mut of_issuers, mut answered) = (Vec::new(), Vec::new(), 0);
        loop {
            let mut now = services.clock.now();
            while waiting.len() < pace.window() && now < until {
                let Some(resident) = next.next() else { break };
                waiting.push(question(resident, services));
                now = services.clock.now();
            }
            let Some((resident, asked, answer)) = waiting.next().await else { break };
            let now = services.clock.now();
            match self.settle(&**resident, &answer, services) {
                Settled::Answered => {
                    answered += 1;
                    let left = waiting.len() + next.len();
                    pace.answered(now - asked, left, soon.saturating_duration_since(now));
                }
                // The store has answered, and the time of an issuer says nothing about the store.
                Settled::IssuerAway => {
                    answered += 1;
                    of_issuers.push((resident.id(), asked));
                }
                Settled::StoreAway => failed.push((resident.id(), asked)),
            }
            // If a full batch has failed before the first success, the store answers nothing.
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
            // The store would not answer about the other sockets either, so their lookups count as
            // failed as well.
            for resident in known {
                self.failed(resident.id(), begun, interval, Silent::Store);
            }
        } else {
            for (socket, asked) in &failed {
                self.failed(*socket, *asked, interval, Silent::Socket);
            }
            for (socket, asked) in &of_issuers {
                self.failed(*socket, *asked, interval, Silent::Issuer);
            }
        }
        if answered > 0 {
            self.forgive();
        }
        Swept { is_complete: next.len() == 0, is_answered: failed.is_empty(), gave_up }
    }

    /// Records the result of one lookup, and ends the socket if the answer demands it.
    fn settle(&mut self, resident: &dyn Resident, answer: &Answer, services: &Services) -> Settled {
        let now = services.clock.now();
        let cause: &(dyn Error + 'static) = match answer {
            Some(Ok(Ok(reason))) => {
                if let Some(seen) = self.seen.get_mut(&resident.id()) {
                    (seen.answered, seen.failing) = (Some(now), None);
                }
                if let Some(reason) = *reason {
                    resident.cut(reason);
                }
                return Settled::Answered;
            }
            Some(Ok(Err(NoLook::Issuer(cause)))) => {
                tracing::debug!(cause = Causes(&**cause).to_string(), "An issuer does not answer.");
                return Settled::IssuerAway;
            }
            Some(Ok(Err(NoLook::Store(cause)))) => &**cause,
            Some(Err(panicked)) => panicked,
            None => &NoAnswer,
        };
        services.store.failed(now, cause);
        Settled::StoreAway
    }

    fn failed(&mut self, socket: SocketId, asked: Instant, interval: Duration, silent: Silent) {
        if let Some(seen) = self.seen.get_mut(&socket) {
            seen.failed(asked, interval, silent);
        }
    }

    /// Clears the failures that an outage of the whole store caused. This method is called when the
    /// store has answered again, so that sockets that this sweep has not reached stay connected.
    fn forgive(&mut self) {
        for seen in self.seen.values_mut() {
            seen.failing = seen.failing.filter(|failing| failing.silent != Silent::Store);
        }
    }

    /// Ends the sockets whose own lookups have failed for too long, or all sockets if the whole
    /// store has not answered for too long. Sockets end in groups, so that their clients do not
    /// reconnect at the same time.
    async fn end_unanswered(
        &self,
        known: &[Arc<dyn Resident>],
        gave_up: bool,
        services: &Services,
    ) {
        let (now, patience) = (services.clock.now(), patience(services));
        let failing = |resident: &Arc<dyn Resident>| {
            self.seen.get(&resident.id()).and_then(|seen| seen.failing)
        };
        let is_over = |resident: &&Arc<dyn Resident>| {
            failing(resident).is_some_and(|at| {
                at.since + patience <= now && (at.silent != Silent::Store || gave_up)
            })
        };
        let over: Vec<_> = known.iter().filter(is_over).collect();
        if over.is_empty() {
            return;
        }
        let is_of_issuer = |resident: &&&Arc<dyn Resident>| {
            failing(resident).is_some_and(|at| at.silent == Silent::Issuer)
        };
        let of_issuers = over.iter().filter(is_of_issuer).count();
        if of_issuers > 0 {
            tracing::error!(
                sockets = of_issuers,
                "The issuer of the tokens does not answer: ending its sockets."
            );
        }
        if over.len() > of_issuers {
            let sockets = over.len() - of_issuers;
            tracing::error!(sockets, "The session store does not answer: ending sockets.");
        }
        end_in_groups(services, &over, DisconnectReason::Unavailable).await;
    }
}

/// Looks up one socket. Returns the socket, the time at which the lookup started, and the answer.
async fn question<'a>(
    resident: &'a Arc<dyn Resident>,
    services: &Services,
) -> (&'a Arc<dyn Resident>, Instant, Answer) {
    let asked = services.clock.now();
    let look = Caught::new(async { look(services, &**resident).await });
    (resident, asked, services.within(ASKED_WITHIN, look).await)
}

/// Returns the time for which a socket stays connected without an answer of the stores. It is
/// shorter than the grace period, so that the last group of sockets ends within the grace period.
fn patience(services: &Services) -> Duration {
    services.limits.store_grace.saturating_sub(SPREAD_OVER)
}

/// Looks up a socket in the stores. Returns the reason to end it, or `None` if it may stay
/// connected.
async fn look(services: &Services, resident: &dyn Resident) -> Looked {
    let credential = resident.credential();
    let (session, token) = (credential.session.as_ref(), credential.token.as_ref());
    let epoch = services.revocations.read(resident.user(), session, token).await;
    let epoch = epoch.map_err(|error| NoLook::Store(error.into()))?;
    // `holds` checks the current credential, which may have been refreshed during the lookup.
    if !resident.holds(&epoch) {
        return Ok(Some(DisconnectReason::Revoked));
    }
    let Some(lease) = resident.lease() else { return Ok(None) };
    match lease.renew(services.clock.wall()).await {
        Ok(()) => Ok(None),
        Err(LeaseError::Issuer(cause)) => Err(NoLook::Issuer(cause)),
        Err(LeaseError::Unavailable(cause)) => Err(NoLook::Store(cause)),
        Err(error) => Ok(Some(error.reason())),
    }
}

/// Time limit for the lookup of one socket.
const ASKED_WITHIN: Duration = Duration::from_secs(2);

/// Initial number of concurrent lookups. A sweep gives up if this many lookups fail before the
/// first one succeeds. A sweep of fewer sockets gives up if all lookups fail.
const AT_ONCE: usize = 64;

/// Maximum number of concurrent lookups.
const AT_MOST: usize = 1024;

/// Minimum time from one sweep to the next.
const SHORTEST: Duration = Duration::from_millis(100);

/// Maximum interval between sweeps while the store does not answer.
const WHILE_AWAY: Duration = Duration::from_secs(2);
