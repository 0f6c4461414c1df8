//! Stores started ceremonies until they are answered or expire.
//!
//! A ceremony belongs to the socket or browser that has started it. It is *removed* before its answer is verified, so
//! that a second answer is rejected. Ceremonies are kept in the memory of one process. Start reading at
//! [`Ceremonies::take`].

use std::{
    cmp::Reverse,
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::Mutex,
    time::{Duration, Instant},
};

use doorward_core::lock;

use super::client_data::CeremonyChallenge;
use crate::client::Binding;

/// All ceremonies of one kind, either registrations or authentications, that wait for an answer.
pub(crate) struct Ceremonies<T> {
    /// Waiting ceremonies by their owner. The lock is held for one operation, which occasionally visits all entries.
    waiting: Mutex<HashMap<Binding, Waiting<T>>>,
    /// Time of the next removal of expired ceremonies; `None` before the first ceremony.
    sweep: Mutex<Option<Instant>>,
}

/// Ceremonies of one socket or browser.
struct Waiting<T> {
    /// Network of the client; `None` if it is unknown.
    network: Option<IpAddr>,
    begun: VecDeque<Begun<T>>,
}

struct Begun<T> {
    challenge: CeremonyChallenge,
    until: Instant,
    state: T,
}

impl<T> Ceremonies<T> {
    pub(crate) fn new() -> Self {
        Self { waiting: Mutex::default(), sweep: Mutex::default() }
    }

    /// Stores a ceremony. If its owner then has more than [`AT_ONCE`] ceremonies, the oldest one is removed. If the
    /// table is full, the networks with the most owners of ceremonies lose the ceremonies of their oldest owners.
    pub(crate) fn put(
        &self,
        binding: Binding,
        network: Option<IpAddr>,
        challenge: CeremonyChallenge,
        state: T,
        now: Instant,
    ) {
        let mut waiting = lock(&self.waiting);
        if self.is_sweep_due(now) {
            waiting.retain(|_, own| own.until().is_some_and(|until| until > now));
            let kept = 2 * waiting.len();
            waiting.shrink_to(kept);
        }
        if waiting.len() >= MAX_BINDINGS && !waiting.contains_key(&binding) {
            make_room(&mut waiting, now);
        }
        let empty = || Waiting { network, begun: VecDeque::new() };
        let own = &mut waiting.entry(binding).or_insert_with(empty).begun;
        own.retain(|begun| begun.until > now);
        if own.len() >= AT_ONCE {
            own.pop_front();
        }
        own.push_back(Begun { challenge, until: now + LIFETIME, state });
    }

    /// Removes a ceremony and returns its state. Returns `None` if its owner has no ceremony with this challenge, or if
    /// the ceremony has expired.
    pub(crate) fn take(
        &self,
        binding: Binding,
        challenge: &CeremonyChallenge,
        now: Instant,
    ) -> Option<T> {
        let mut waiting = lock(&self.waiting);
        let own = &mut waiting.get_mut(&binding)?.begun;
        let at = own.iter().position(|begun| begun.challenge == *challenge)?;
        let begun = own.remove(at)?;
        if own.is_empty() {
            waiting.remove(&binding);
        }
        (begun.until > now).then_some(begun.state)
    }

    /// Passes the state of a ceremony to `look`, and returns the result of `look`. Returns `None` if there is no such
    /// ceremony. The ceremony is not removed, and may have expired.
    pub(crate) fn find<R>(
        &self,
        binding: Binding,
        challenge: &CeremonyChallenge,
        look: impl FnOnce(&T) -> R,
    ) -> Option<R> {
        let waiting = lock(&self.waiting);
        let mut own = waiting.get(&binding)?.begun.iter();
        own.find(|begun| begun.challenge == *challenge).map(|begun| look(&begun.state))
    }

    /// Removes all ceremonies of a socket or browser.
    pub(crate) fn forget(&self, binding: Binding) {
        lock(&self.waiting).remove(&binding);
    }

    /// Returns `true` if it is time to remove expired ceremonies. A browser that never answers leaves an expired
    /// ceremony.
    fn is_sweep_due(&self, now: Instant) -> bool {
        let mut sweep = lock(&self.sweep);
        let is_due = sweep.is_some_and(|at| at <= now);
        if is_due || sweep.is_none() {
            *sweep = Some(now + BETWEEN_SWEEPS);
        }
        is_due
    }
}

impl<T> Waiting<T> {
    /// Returns the time at which the newest of these ceremonies expires. Returns `None` if there is no ceremony.
    fn until(&self) -> Option<Instant> {
        self.begun.back().map(|begun| begun.until)
    }
}

/// Removes owners whose ceremonies have all expired. Then removes further owners until a sixteenth of the table is
/// free.
///
/// An owner has a rank, which is the number of newer owners in the same network. The owners with the highest ranks are
/// removed first, and the oldest first among equal ranks. Many owners are removed at once, because the search visits
/// the whole table.
fn make_room<T>(waiting: &mut HashMap<Binding, Waiting<T>>, now: Instant) {
    let mut live = Vec::with_capacity(waiting.len());
    waiting.retain(|binding, own| {
        let until = own.until().filter(|until| *until > now);
        live.extend(until.map(|until| (own.network, Reverse(until), *binding)));
        until.is_some()
    });
    let excess = live.len().saturating_sub(MAX_BINDINGS - FREED_AT_ONCE);
    live.sort_unstable_by_key(|(network, until, _)| (*network, *until));
    let of_networks = live.chunk_by(|one, other| one.0 == other.0);
    let mut ranked: Vec<_> = of_networks.flat_map(|own| own.iter().enumerate()).collect();
    ranked.sort_unstable_by_key(|(newer, (_, until, _))| Reverse((*newer, *until)));
    for (_, (_, _, binding)) in ranked.into_iter().take(excess) {
        waiting.remove(binding);
    }
}

/// Lifetime of a ceremony, as recommended by Web Authentication Level 3, section 15.1.
pub(crate) const LIFETIME: Duration = Duration::from_secs(300);

const BETWEEN_SWEEPS: Duration = Duration::from_secs(60);

/// Maximum number of ceremonies of one socket or browser. A browser may have several tabs, and a page may have two
/// forms.
const AT_ONCE: usize = 4;

/// Maximum number of sockets and browsers with ceremonies. The ceremonies of each take about 10 KB. A ceremony that
/// adds a passkey takes up to 20 KB, but the budget of a user allows only few of them.
const MAX_BINDINGS: usize = 20_000;

/// Number of sockets and browsers to remove at once from a full table.
const FREED_AT_ONCE: usize = MAX_BINDINGS / 16;

#[cfg(test)]
mod tests {
    use doorward_core::{Clock as _, ManualClock};

    use super::*;

    const MINE: Binding = Binding::Browser([1; 32]);
    const OTHER: Binding = Binding::Browser([2; 32]);

    fn challenge(number: u8) -> CeremonyChallenge {
        CeremonyChallenge::new(&[number])
    }

    fn one() -> (Ceremonies<&'static str>, Instant) {
        let (ceremonies, now) = (Ceremonies::new(), ManualClock::new().now());
        ceremonies.put(MINE, None, challenge(1), "state", now);
        (ceremonies, now)
    }

    /// Attack 68.
    #[test]
    fn a_ceremony_is_answered_once() {
        let (ceremonies, now) = one();

        assert_eq!(ceremonies.take(MINE, &challenge(1), now), Some("state"));
        assert_eq!(ceremonies.take(MINE, &challenge(1), now), None);
        assert!(lock(&ceremonies.waiting).is_empty());
    }

    /// Attack 68.
    #[test]
    fn a_ceremony_of_another_client_is_not_there_and_stays_theirs() {
        let (ceremonies, now) = one();

        assert_eq!(ceremonies.take(OTHER, &challenge(1), now), None);
        assert_eq!(ceremonies.take(MINE, &challenge(2), now), None);
        assert_eq!(ceremonies.take(MINE, &challenge(1), now), Some("state"));
    }

    /// Attack 68.
    #[test]
    fn a_ceremony_is_over_after_five_minutes() {
        let (ceremonies, now) = one();

        assert_eq!(ceremonies.take(MINE, &challenge(1), now + LIFETIME), None);

        let (ceremonies, now) = one();
        let just_in_time = now + LIFETIME - Duration::from_nanos(1);
        assert_eq!(ceremonies.take(MINE, &challenge(1), just_in_time), Some("state"));
    }

    #[test]
    fn the_oldest_of_one_browser_makes_room() {
        let (ceremonies, now) = one();
        for number in 2..=5 {
            ceremonies.put(MINE, None, challenge(number), "newer", now);
        }

        assert_eq!(ceremonies.take(MINE, &challenge(1), now), None);
        assert_eq!(ceremonies.take(MINE, &challenge(2), now), Some("newer"));
    }

    fn browser(number: usize) -> Binding {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        Binding::Browser(hash)
    }

    /// Browsers do not report that they have left, so their ceremonies stay until a sweep.
    #[test]
    fn what_is_over_is_forgotten_long_before_the_table_is_full() {
        let (ceremonies, now) = (Ceremonies::new(), ManualClock::new().now());
        for number in 0..100 {
            ceremonies.put(browser(number), None, challenge(1), (), now);
        }

        ceremonies.put(MINE, None, challenge(1), (), now + LIFETIME + BETWEEN_SWEEPS);

        assert_eq!(lock(&ceremonies.waiting).len(), 1);
    }

    #[test]
    fn what_is_over_makes_room() {
        let (ceremonies, now) = (Ceremonies::new(), ManualClock::new().now());
        for number in 0..MAX_BINDINGS {
            ceremonies.put(browser(number), None, challenge(1), (), now);
        }

        ceremonies.put(MINE, None, challenge(1), (), now + LIFETIME);

        assert_eq!(lock(&ceremonies.waiting).len(), 1);
    }

    #[test]
    fn a_network_that_begins_without_end_takes_no_room_of_others() {
        let (ceremonies, now) = (Ceremonies::new(), ManualClock::new().now());
        let (flood, own) = (Some([203, 0, 113, 7].into()), Some([198, 51, 100, 1].into()));
        ceremonies.put(MINE, own, challenge(1), "mine", now);

        for number in 0..3 * MAX_BINDINGS {
            let later = now + Duration::from_nanos(number as u64);
            ceremonies.put(browser(number), flood, challenge(1), "flood", later);
            assert!(lock(&ceremonies.waiting).len() <= MAX_BINDINGS);
        }

        assert_eq!(ceremonies.take(MINE, &challenge(1), now), Some("mine"));
        // The newest ceremonies of the flooding network are kept.
        let newest = browser(3 * MAX_BINDINGS - 1);
        assert_eq!(ceremonies.take(newest, &challenge(1), now), Some("flood"));
    }

    /// If only one place were freed, each further ceremony would search the whole table.
    #[test]
    fn many_networks_with_one_ceremony_each_make_room_at_once_and_the_newest_stay() {
        let (ceremonies, now) = (Ceremonies::new(), ManualClock::new().now());
        let at = |number: usize| now + Duration::from_nanos(number as u64);
        for number in 0..MAX_BINDINGS {
            let network = Some(std::net::Ipv4Addr::from(u32::try_from(number).unwrap()).into());
            ceremonies.put(browser(number), network, challenge(1), (), at(number));
        }

        ceremonies.put(MINE, None, challenge(1), (), at(MAX_BINDINGS));

        assert_eq!(lock(&ceremonies.waiting).len(), MAX_BINDINGS - FREED_AT_ONCE + 1);
        let is_there = |number| lock(&ceremonies.waiting).contains_key(&browser(number));
        assert!(!is_there(0) && !is_there(FREED_AT_ONCE - 1));
        assert!(is_there(FREED_AT_ONCE) && is_there(MAX_BINDINGS - 1));
    }

    #[test]
    fn a_place_that_is_over_is_not_the_only_one_that_is_freed() {
        let (ceremonies, now) = (Ceremonies::new(), ManualClock::new().now());
        ceremonies.put(MINE, None, challenge(1), (), now);
        for number in 1..MAX_BINDINGS {
            ceremonies.put(browser(number), None, challenge(1), (), now + LIFETIME / 2);
        }
        // Expired ceremonies were removed just before, so the table is full when the next ceremony starts.
        let before = now + LIFETIME - Duration::from_secs(1);
        ceremonies.put(browser(1), None, challenge(2), (), before);

        ceremonies.put(OTHER, None, challenge(1), (), now + LIFETIME);

        assert_eq!(lock(&ceremonies.waiting).len(), MAX_BINDINGS - FREED_AT_ONCE + 1);
    }

    #[test]
    fn who_leaves_leaves_nothing_behind() {
        let (ceremonies, _) = one();

        ceremonies.forget(MINE);

        assert!(lock(&ceremonies.waiting).is_empty());
    }
}
