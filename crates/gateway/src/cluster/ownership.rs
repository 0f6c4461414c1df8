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
/// use doorward::{cluster::Owner, prelude::*, store::StoreError};
///
/// async fn run_lottery(hub: &Hub<Claims>) -> Result<(), StoreError> {
///     match hub.own("lottery").await? {
///         Owner::Here(ownership) => {
///             // Draws until this node loses the ownership or shuts down.
///             ownership.ended().await;
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
    /// Another node.
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

    /// Returns `true` if this node owns the name now, by its own clocks. Call it before each step that only the
    /// owner may take.
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

/// Names of one namespace that this node owns.
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
    /// State of the ownership.
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
        while let Some(held) = self.found(key) {
            if *held.state.borrow() == State::Returning {
                // An answer to the return must not end the next ownership.
                held.ended().await;
            } else if let Some(ownership) = self.share(services, &held) {
                return Ok(Owner::Here(ownership));
            } else {
                break;
            }
        }
        let Some(cluster) = services.cluster.clone() else {
            return self.begin(services, key, Held::alone(Until::now(&*services.clock)));
        };
        if services.is_draining() {
            return Err(unavailable("the server shuts down"));
        }
        let no_member = || unavailable("this node is no member of its cluster now");
        let member = services.standing.incarnation().ok_or_else(no_member)?;
        let sent = Until::now(&*services.clock);
        let answer = services.within(ANSWERED_WITHIN, cluster.own(member, key, None)).await;
        let answer = answer.unwrap_or_else(|| Err(StoreError::Unavailable(Box::new(NoAnswer))));
        let Owned { owner, number } = answer?.ok_or_else(no_member)?;
        if owner.incarnation != member {
            return Ok(Owner::Node(owner.node));
        }
        self.begin(services, key, Held::new(member, number, end_of(sent)))
    }

    fn found(&self, key: &str) -> Option<Arc<Held>> {
        lock(&self.names).get(key).cloned()
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
        held: Held,
    ) -> Result<Owner, StoreError> {
        let mut names = lock(&self.names);
        if names.len() >= MAX_NAMES && !names.contains_key(key) {
            return Err(StoreError::Full);
        }
        if let Some(other) = names.get(key).filter(|other| other.is_current(services)) {
            // Another caller was faster. The last number counts in the cluster.
            other.number.fetch_max(held.number.into_inner(), Ordering::AcqRel);
            return Ok(Owner::Here(other.handle(services)));
        }
        let held = Arc::new(held);
        let ownership = held.handle(services);
        if names.insert(Arc::clone(key), Arc::clone(&held)).is_none() {
            self.gauge.increment(1.0);
        }
        drop(names);
        let keeping = Keeping { key: Arc::clone(key), held, names: Arc::downgrade(self) };
        tokio::spawn(keeping.run(Arc::downgrade(services), services.cluster.clone()));
        Ok(Owner::Here(ownership))
    }
}

impl Held {
    fn new(member: Incarnation, number: u64, until: Until) -> Self {
        Self { number: AtomicU64::new(number), member: Some(member), ..Self::alone(until) }
    }

    fn alone(until: Until) -> Self {
        Self {
            number: AtomicU64::new(0),
            member: None,
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
                    && !lock(&self.until).is_over(&*services.clock)
            }
        };
        is_owner && *self.state.borrow() == State::Held
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
    /// The cluster has another owner, or was not reached in time.
    Lost,
}

impl Keeping {
    async fn run(self, services: Weak<Services>, cluster: Option<Arc<dyn Cluster>>) {
        let end = match (&cluster, self.held.member) {
            (Some(cluster), Some(member)) => self.extend(&services, &**cluster, member).await,
            _ => loop {
                self.held.users.closed().await;
                if self.begins_return() {
                    break End::Returned;
                }
            },
        };
        if let (End::Returned, Some(cluster), Some(member)) = (end, cluster, self.held.member)
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

    /// Extends the ownership until it ends.
    async fn extend(
        &self,
        services: &Weak<Services>,
        cluster: &dyn Cluster,
        member: Incarnation,
    ) -> End {
        let mut wait = EVERY;
        loop {
            let Some(strong) = services.upgrade() else { return End::Lost };
            let pause = strong.clock.sleep_until(strong.clock.now() + wait);
            drop(strong);
            tokio::select! {
                () = pause => {}
                () = self.held.users.closed() => {
                    if self.begins_return() {
                        return End::Returned;
                    }
                }
            }
            let Some(services) = services.upgrade() else { return End::Lost };
            if services.is_draining() {
                let names = self.names.upgrade();
                let names = names.as_ref().map(|names| lock(&names.names));
                self.held.state.send_replace(State::Returning);
                drop(names);
                return End::Returned;
            }
            if !self.held.is_current(&services) {
                return End::Lost;
            }
            let number = self.held.number.load(Ordering::Acquire);
            let sent = Until::now(&*services.clock);
            let extended = cluster.own(member, &self.key, Some(number));
            match services.within(ANSWERED_WITHIN, extended).await {
                Some(Ok(Some(owned))) if owned.owner.incarnation == member => {
                    *lock(&self.held.until) = end_of(sent);
                    wait = EVERY;
                }
                Some(Ok(_)) if self.held.number.load(Ordering::Acquire) == number => {
                    return End::Lost;
                }
                // The number has changed meanwhile, or the cluster does not answer.
                _ => wait = RETRY,
            }
        }
    }

    /// Begins to give the name back, unless there is a new handle. Returns `true` if it has begun.
    fn begins_return(&self) -> bool {
        let names = self.names.upgrade();
        // While the names are locked, no caller gets a handle.
        let names = names.as_ref().map(|names| lock(&names.names));
        let is_unused = self.held.users.receiver_count() == 0;
        if is_unused {
            self.held.state.send_replace(State::Returning);
        }
        drop(names);
        is_unused
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

/// Maximum number of names of one namespace that this node owns.
const MAX_NAMES: usize = 10_000;

const NAMES: &str = "doorward_owned_names";
