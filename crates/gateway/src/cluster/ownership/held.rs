//! Ownerships of this node, and their state.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use doorward_core::{Incarnation, lock};
use metrics::{Gauge, gauge};
use tokio::sync::watch;

use crate::presence::{services::Services, standing::Until};

/// Ownerships in the namespaces of one gateway, by name.
pub(super) struct Names {
    held: Mutex<HashMap<Arc<str>, Arc<Held>>>,
    gauge: Gauge,
}

/// Ownership of one name.
pub(super) struct Held {
    pub(super) number: AtomicU64,
    /// `None` if the server is the only node.
    member: Option<Incarnation>,
    /// Time until which this node owns the name, by its own clocks.
    pub(super) until: Mutex<Until>,
    state: watch::Sender<State>,
    /// Each [`InUse`] holds a receiver.
    users: watch::Sender<()>,
}

/// Handle of the program for an ownership. The name is given back after the last one was dropped.
#[derive(Clone)]
pub(super) struct InUse {
    pub(super) held: Arc<Held>,
    _user: watch::Receiver<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Held,
    /// The name is given back. Changes to this state happen while the names are locked.
    Returning,
    Ended,
}

impl Names {
    pub(super) fn new() -> Self {
        Self { held: Mutex::default(), gauge: gauge!(NAMES) }
    }

    pub(super) fn get(&self, key: &str) -> Option<Arc<Held>> {
        lock(&self.held).get(key).cloned()
    }

    pub(super) fn has_room(&self, key: &str) -> bool {
        let held = lock(&self.held);
        held.len() < MAX_NAMES || held.contains_key(key)
    }

    /// Returns another handle of an ownership, if it is current.
    pub(super) fn share(&self, services: &Services, held: &Arc<Held>) -> Option<InUse> {
        let names = lock(&self.held);
        let handle = held.is_current(services).then(|| held.handle());
        drop(names);
        handle
    }

    /// Adds an ownership. Returns a handle of it, or `Err` with one of the current ownership of the name, if another
    /// caller was faster.
    pub(super) fn add(
        &self,
        services: &Services,
        key: &Arc<str>,
        held: Held,
    ) -> Result<InUse, InUse> {
        let mut names = lock(&self.held);
        if let Some(other) = names.get(key).filter(|other| other.is_current(services)) {
            // The last number counts in the cluster.
            other.number.fetch_max(held.number.into_inner(), Ordering::AcqRel);
            return Err(other.handle());
        }
        let held = Arc::new(held);
        let handle = held.handle();
        if names.insert(Arc::clone(key), held).is_none() {
            self.gauge.increment(1.0);
        }
        drop(names);
        Ok(handle)
    }

    /// Removes an ownership that has ended.
    pub(super) fn remove(&self, key: &str, held: &Arc<Held>) {
        let mut names = lock(&self.held);
        if names.get(key).is_some_and(|other| Arc::ptr_eq(other, held)) {
            names.remove(key);
            self.gauge.decrement(1.0);
        }
    }

    /// Begins to give a name back, if the condition holds. Returns `true` if it has begun.
    pub(super) fn begin_return(&self, held: &Held, condition: impl FnOnce(&Held) -> bool) -> bool {
        // While the names are locked, no caller gets a handle.
        let names = lock(&self.held);
        let begins = held.is_held() && condition(held);
        if begins {
            held.state.send_replace(State::Returning);
        }
        drop(names);
        begins
    }
}

impl Held {
    pub(super) fn new(member: Option<Incarnation>, number: u64, until: Until) -> Self {
        Self {
            number: AtomicU64::new(number),
            member,
            until: Mutex::new(until),
            state: watch::Sender::new(State::Held),
            users: watch::Sender::new(()),
        }
    }

    fn handle(self: &Arc<Self>) -> InUse {
        InUse { held: Arc::clone(self), _user: self.users.subscribe() }
    }

    pub(super) fn is_current(&self, services: &Services) -> bool {
        let is_owner = match self.member {
            None => true,
            Some(member) => {
                services.standing.incarnation() == Some(member)
                    && services.standing.term(&*services.clock).is_some()
                    && !lock(&self.until).left(&*services.clock).is_zero()
            }
        };
        let is_held = self.is_held();
        if is_held && !is_owner {
            // A clock that is set back does not revive it.
            self.end();
        }
        is_held && is_owner
    }

    /// Returns `true` if it has not been found to have ended, and is not given back.
    pub(super) fn is_held(&self) -> bool {
        *self.state.borrow() == State::Held
    }

    pub(super) fn is_returning(&self) -> bool {
        *self.state.borrow() == State::Returning
    }

    pub(super) fn is_used(&self) -> bool {
        self.users.receiver_count() > 0
    }

    /// Waits until no handle is left.
    pub(super) async fn unused(&self) {
        self.users.closed().await;
    }

    pub(super) fn end(&self) {
        self.state.send_replace(State::Ended);
    }

    pub(super) async fn ended(&self) {
        let mut state = self.state.subscribe();
        // Fails if the sender was dropped, which `self` keeps.
        state.wait_for(|state| *state == State::Ended).await.ok();
    }
}

/// Maximum number of names in the namespaces of one gateway that this node owns.
const MAX_NAMES: usize = 10_000;

const NAMES: &str = "doorward_owned_names";
