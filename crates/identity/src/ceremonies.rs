//! Remembers which ceremonies were begun, until they are answered once.
//!
//! A ceremony belongs to the connection or the browser that began it, and is *taken out* before its answer
//! is judged: an answer that is sent again finds nothing. Ceremonies live in the memory of one process.
//! Start reading at [`Ceremonies::take`].

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use doorward::SocketId;

use crate::client_data::CeremonyChallenge;

/// Who began a ceremony, and nobody else may finish it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Binding {
    /// The browser that holds the cookie with this hash.
    Browser([u8; 32]),
    /// A socket.
    Socket(SocketId),
}

/// All ceremonies of one kind that wait for their answer.
pub(crate) struct Ceremonies<T> {
    /// Protects the table; held for one operation.
    waiting: Mutex<HashMap<Binding, VecDeque<Begun<T>>>>,
}

struct Begun<T> {
    challenge: CeremonyChallenge,
    until: Instant,
    state: T,
}

/// So many ceremonies were begun that no more can be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

impl<T> Ceremonies<T> {
    pub(crate) fn new() -> Self {
        Self { waiting: Mutex::default() }
    }

    /// Remembers a ceremony. Of one connection or browser the oldest makes room.
    pub(crate) fn put(
        &self,
        binding: Binding,
        challenge: CeremonyChallenge,
        state: T,
        now: Instant,
    ) -> Result<(), TooMany> {
        let mut waiting = self.lock();
        if waiting.len() >= MAX_BINDINGS && !waiting.contains_key(&binding) {
            forget(&mut waiting, now);
            if waiting.len() >= MAX_BINDINGS {
                return Err(TooMany);
            }
        }
        let own = waiting.entry(binding).or_default();
        own.retain(|begun| begun.until > now);
        if own.len() >= AT_ONCE {
            own.pop_front();
        }
        own.push_back(Begun { challenge, until: now + LIFETIME, state });
        Ok(())
    }

    /// Takes a ceremony out. Whatever becomes of its answer, it is gone.
    pub(crate) fn take(
        &self,
        binding: Binding,
        challenge: &CeremonyChallenge,
        now: Instant,
    ) -> Option<T> {
        let mut waiting = self.lock();
        let own = waiting.get_mut(&binding)?;
        let at = own.iter().position(|begun| begun.challenge == *challenge)?;
        let begun = own.remove(at)?;
        if own.is_empty() {
            waiting.remove(&binding);
        }
        (begun.until > now).then_some(begun.state)
    }

    /// Looks at a ceremony without taking it out.
    pub(crate) fn find<R>(
        &self,
        binding: Binding,
        challenge: &CeremonyChallenge,
        look: impl FnOnce(&T) -> R,
    ) -> Option<R> {
        let waiting = self.lock();
        let mut own = waiting.get(&binding)?.iter();
        own.find(|begun| begun.challenge == *challenge).map(|begun| look(&begun.state))
    }

    /// Forgets what a connection has begun and will never answer.
    pub(crate) fn forget(&self, binding: Binding) {
        self.lock().remove(&binding);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Binding, VecDeque<Begun<T>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget<T>(waiting: &mut HashMap<Binding, VecDeque<Begun<T>>>, now: Instant) {
    waiting.retain(|_, own| own.iter().any(|begun| begun.until > now));
}

/// How long an authenticator may take: the time that Web Authentication Level 3 recommends in section 15.1.
pub(crate) const LIFETIME: Duration = Duration::from_secs(300);

/// A browser may have several tabs, and a page two forms.
const AT_ONCE: usize = 4;

/// About 10 KB each at the most. More connections and browsers than this at once are turned away.
const MAX_BINDINGS: usize = 20_000;

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
        ceremonies.put(MINE, challenge(1), "state", now).unwrap();
        (ceremonies, now)
    }

    /// Attack 68.
    #[test]
    fn a_ceremony_is_answered_once() {
        let (ceremonies, now) = one();

        assert_eq!(ceremonies.take(MINE, &challenge(1), now), Some("state"));
        assert_eq!(ceremonies.take(MINE, &challenge(1), now), None);
        assert!(ceremonies.lock().is_empty());
    }

    /// Attack 68.
    #[test]
    fn a_ceremony_of_somebody_else_is_not_there_and_stays_theirs() {
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
            ceremonies.put(MINE, challenge(number), "newer", now).unwrap();
        }

        assert_eq!(ceremonies.take(MINE, &challenge(1), now), None);
        assert_eq!(ceremonies.take(MINE, &challenge(2), now), Some("newer"));
    }

    #[test]
    fn there_is_a_bound_and_what_is_over_makes_room() {
        let (ceremonies, now) = (Ceremonies::new(), ManualClock::new().now());
        for number in 0..MAX_BINDINGS {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&number.to_be_bytes());
            ceremonies.put(Binding::Browser(hash), challenge(1), (), now).unwrap();
        }

        assert_eq!(ceremonies.put(Binding::Browser([9; 32]), challenge(1), (), now), Err(TooMany));
        let later = now + LIFETIME;
        assert_eq!(ceremonies.put(Binding::Browser([9; 32]), challenge(1), (), later), Ok(()));
        assert_eq!(ceremonies.lock().len(), 1);
    }

    #[test]
    fn who_leaves_leaves_nothing_behind() {
        let (ceremonies, _) = one();

        ceremonies.forget(MINE);

        assert!(ceremonies.lock().is_empty());
    }
}
