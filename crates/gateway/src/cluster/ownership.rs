//! Names that this node owns. One node of a cluster owns a name at a time, and extends its ownership while the
//! program holds it.
//!
//! Start reading at [`Ownerships::own`].

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use doorward_core::{
    Incarnation, NodeId, StoreError,
    cluster::{Cluster, OWNED, Owned},
    lock,
};
use metrics::{Gauge, gauge};
use tokio::sync::watch;

use crate::{
    presence::{services::Services, standing::Until},
    runtime::outage_log::NoAnswer,
};

/// Node that owns a name, as [`Hub::own`](crate::Hub::own) finds it.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use doorward::{cluster::Owner, prelude::*};
///
/// async fn run_lottery(hub: &Hub<Claims>) -> Result<(), BoxError> {
///     match hub.own("lottery").await? {
///         Owner::Here(ownership) => {
///             while ownership.is_current() {
///                 hub.emit("drawn", 42)?;
///                 tokio::time::sleep(Duration::from_secs(60)).await;
///             }
///         }
///         Owner::Node(node) => tracing::info!(%node, "Another node draws."),
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub enum Owner {
    /// This node.
    Here(Ownership),
    /// Another node, with its name.
    Node(NodeId),
}

/// Ownership of a name by this node.
///
/// The server extends the ownership while a clone of this value exists, and gives the name back after the last one
/// was dropped. See [`Hub::own`](crate::Hub::own).
#[derive(Clone)]
pub struct Ownership {
    services: Weak<Services>,
    held: Arc<Held>,
    /// Exists as long as this value, so that the task knows when the last one was dropped.
    _user: watch::Receiver<()>,
}

impl Ownership {
    /// Returns the number of the ownership. A later ownership of the same name has a greater one. The number is 0
    /// if the server is the only node.
    ///
    /// A process that was stopped and continued may act for a moment after another node has become the owner. A
    /// store that compares the number with the greatest one that it has seen can refuse such writes.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.held.number.load(Ordering::Acquire)
    }

    /// Returns `true` if this node owns the name now, by its own clocks. Once it is `false`, it stays so. Call it
    /// before each step that only the owner may take.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.services.upgrade().is_some_and(|services| self.held.is_current(&services))
    }

    /// Waits until this node does not own the name any more: it was cut off from the cluster, it shuts down, or
    /// the process was stopped for too long. The last one is noticed when the process continues.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn ended(&self) {
        self.held.ended().await;
    }
}

impl fmt::Debug for Ownership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ownership").field("number", &self.number()).finish_non_exhaustive()
    }
}

/// Names that this node owns in the namespaces of one gateway.
pub(crate) struct Ownerships {
    names: Mutex<HashMap<Arc<str>, Arc<Held>>>,
    gauge: Gauge,
}

struct Held {
    number: AtomicU64,
    /// `None` if the server is the only node.
    member: Option<Incarnation>,
    /// Time until which this node owns the name, by its own clocks.
    until: Mutex<Until>,
    state: watch::Sender<State>,
    /// Each [`Ownership`] holds a receiver.
    users: watch::Sender<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Held,
    /// The name is given back. Changes to this state happen while the names are locked.
    Returning,
    Ended,
}

impl Ownerships {
    pub(crate) fn new() -> Self {
        Self { names: Mutex::default(), gauge: gauge!(NAMES) }
    }

    /// Makes this node the owner of a name, unless another node owns it. `key` is the name in the cluster.
    pub(crate) async fn own(
        self: &Arc<Self>,
        services: &Arc<Services>,
        key: &Arc<str>,
    ) -> Result<Owner, StoreError> {
        while let Some(held) = self.get(key) {
            if *held.state.borrow() == State::Returning {
                // An answer to the return must not end the next ownership.
                held.ended().await;
            } else if let Some(ownership) = self.share(services, &held) {
                return Ok(Owner::Here(ownership));
            } else {
                break;
            }
        }
        if services.is_draining() {
            return Err(unavailable("the server shuts down"));
        }
        if !self.has_room(key) {
            return Err(StoreError::Full);
        }
        let Some(cluster) = services.cluster.clone() else {
            let held = Held::new(None, 0, Until::now(&*services.clock));
            return Ok(Owner::Here(self.begin(services, key, None, held)));
        };
        let no_member = || unavailable("this node is not a member of its cluster");
        let member = services.standing.incarnation().ok_or_else(no_member)?;
        let sent = Until::now(&*services.clock);
        let answer = services.within(ANSWERED_WITHIN, cluster.own(member, key)).await;
        let answer = answer.unwrap_or_else(|| Err(StoreError::Unavailable(Box::new(NoAnswer))));
        let Owned { owner, number } = answer?.ok_or_else(no_member)?;
        if owner.incarnation != member {
            if owner.node == services.node {
                // A question to the node of this name would come back here.
                return Err(unavailable("another run of a node with this name owns it"));
            }
            return Ok(Owner::Node(owner.node));
        }
        let held = Held::new(Some(member), number, end_of(sent));
        Ok(Owner::Here(self.begin(services, key, Some((cluster, member)), held)))
    }

    fn get(&self, key: &str) -> Option<Arc<Held>> {
        lock(&self.names).get(key).cloned()
    }

    fn has_room(&self, key: &str) -> bool {
        let names = lock(&self.names);
        names.len() < MAX_NAMES || names.contains_key(key)
    }

    /// Returns another handle of an ownership, if it is current.
    fn share(&self, services: &Arc<Services>, held: &Arc<Held>) -> Option<Ownership> {
        let names = lock(&self.names);
        let ownership = held.is_current(services).then(|| held.handle(services));
        drop(names);
        ownership
    }

    fn begin(
        self: &Arc<Self>,
        services: &Arc<Services>,
        key: &Arc<str>,
        membership: Option<(Arc<dyn Cluster>, Incarnation)>,
        held: Held,
    ) -> Ownership {
        let mut names = lock(&self.names);
        if let Some(other) = names.get(key).filter(|other| other.is_current(services)) {
            // Another caller was faster. The last number counts in the cluster.
            other.number.fetch_max(held.number.into_inner(), Ordering::AcqRel);
            return other.handle(services);
        }
        let held = Arc::new(held);
        let ownership = held.handle(services);
        if names.insert(Arc::clone(key), Arc::clone(&held)).is_none() {
            self.gauge.increment(1.0);
        }
        drop(names);
        let keeping = Keeping { key: Arc::clone(key), held, names: Arc::downgrade(self) };
        tokio::spawn(keeping.run(Arc::downgrade(services), membership));
        ownership
    }
}

impl Held {
    fn new(member: Option<Incarnation>, number: u64, until: Until) -> Self {
        Self {
            number: AtomicU64::new(number),
            member,
            until: Mutex::new(until),
            state: watch::Sender::new(State::Held),
            users: watch::Sender::new(()),
        }
    }

    fn handle(self: &Arc<Self>, services: &Arc<Services>) -> Ownership {
        let (services, held) = (Arc::downgrade(services), Arc::clone(self));
        Ownership { services, held, _user: self.users.subscribe() }
    }

    fn is_current(&self, services: &Services) -> bool {
        let is_owner = match self.member {
            None => true,
            Some(member) => {
                services.standing.incarnation() == Some(member)
                    && services.standing.term(&*services.clock).is_some()
                    && !lock(&self.until).left(&*services.clock).is_zero()
            }
        };
        let is_held = *self.state.borrow() == State::Held;
        if is_held && !is_owner {
            // A clock that is set back does not revive it.
            self.state.send_replace(State::Ended);
        }
        is_held && is_owner
    }

    async fn ended(&self) {
        let mut state = self.state.subscribe();
        // Fails if the sender was dropped, which `self` keeps.
        state.wait_for(|state| *state == State::Ended).await.ok();
    }
}

/// Task that keeps one ownership.
struct Keeping {
    key: Arc<str>,
    held: Arc<Held>,
    names: Weak<Ownerships>,
}

/// Reason why an ownership ends.
enum End {
    /// The program has dropped the last handle, or the server shuts down.
    Returned,
    /// The cluster has another owner, or was not reached in time, or the server was dropped.
    Lost,
}

impl Keeping {
    async fn run(
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
        if let Some(names) = self.names.upgrade() {
            let mut map = lock(&names.names);
            if map.get(&self.key).is_some_and(|held| Arc::ptr_eq(held, &self.held)) {
                map.remove(&self.key);
                names.gauge.decrement(1.0);
            }
        }
        self.held.state.send_replace(State::Ended);
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
                () = self.held.users.closed() => {
                    if self.begins_return(|held| held.users.receiver_count() == 0) {
                        return End::Returned;
                    }
                }
            }
            let Some(services) = services.upgrade() else { return End::Lost };
            if services.is_draining() && self.begins_return(|_| true) {
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
        let is_current =
            *self.held.state.borrow() == State::Held && !until.left(&*services.clock).is_zero();
        if is_current {
            // An attempt of another caller, whose answer was lost, may have changed the number.
            self.held.number.fetch_max(number, Ordering::AcqRel);
            *until = end_of(sent);
        }
        drop(until);
        Some(is_current)
    }

    /// Begins to give the name back, if the condition holds. Returns `true` if it has begun.
    fn begins_return(&self, condition: impl FnOnce(&Held) -> bool) -> bool {
        let names = self.names.upgrade();
        // While the names are locked, no caller gets a handle.
        let names = names.as_ref().map(|names| lock(&names.names));
        let begins = *self.held.state.borrow() == State::Held && condition(&self.held);
        if begins {
            self.held.state.send_replace(State::Returning);
        }
        drop(names);
        begins
    }
}

fn end_of(sent: Until) -> Until {
    sent.plus(OWNED.saturating_sub(MARGIN))
}

fn unavailable(cause: &str) -> StoreError {
    StoreError::Unavailable(cause.into())
}

/// Time from one extension to the next one.
const EVERY: Duration = Duration::from_secs(3);

/// Time to wait after a failure.
const RETRY: Duration = Duration::from_millis(500);

/// Time by which this node stops before its ownership ends in the cluster.
const MARGIN: Duration = Duration::from_secs(2);

/// Time limit for an answer of the cluster.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);

/// Maximum number of names in the namespaces of one gateway that this node owns.
const MAX_NAMES: usize = 10_000;

const NAMES: &str = "doorward_owned_names";
