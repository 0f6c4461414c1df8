//! Watches, through which a program follows the connections of users.
//!
//! [`Services::record`](super::services::Services::record) reports each decision about a connection. Start reading at
//! [`Watches::tell`].

use std::{
    collections::HashMap,
    fmt,
    pin::Pin,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use doorward_core::{UserId, lock};
use futures_util::Stream;
use metrics::{Counter, Gauge, counter, gauge};
use tokio::sync::mpsc;

use crate::{
    bus::{
        channels::{Subscribed, of_watched},
        message::Content,
        relay::Relay,
    },
    presence::change::{ConnectionChange, SentChange},
};

/// Follows the connections of one user, or of all users, on all nodes.
///
/// [`Principals::watch`](crate::Principals::watch) and [`Principals::watch_all`](crate::Principals::watch_all) return
/// it. At most 64 changes wait to be read. If more happen, all waiting changes are dropped and [`Watched::Missed`] is
/// reported in their place. Drop the watch to end it.
///
/// # Examples
/// ```
/// use doorward::{Principals, access::{Watched, WatchError}};
///
/// async fn follow(principals: &Principals, user: &str) -> Result<(), WatchError> {
///     let mut watch = principals.watch(&user.into()).await?;
///     // After the watch has begun, so that no connection is left out.
///     let connected = principals.sockets_of(&user.into()).await.value;
///     println!("{} sockets", connected.len());
///     while let Some(watched) = watch.next().await {
///         match watched {
///             Watched::Change(change) => println!("{}", change.outcome.as_str()),
///             // Missed: something may be missing.
///             _ => println!("read the list again"),
///         }
///     }
///     Ok(())
/// }
/// ```
pub struct Watch {
    queue: mpsc::Receiver<Watched>,
    has_missed: Arc<AtomicBool>,
    _listed: Listed,
    _channel: Option<Subscribed>,
}

/// What a [`Watch`] reports.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Watched {
    /// A connection has changed.
    Change(Arc<ConnectionChange>),
    /// Changes may be missing: the watch was not read in time, or the other nodes were not reached. Read
    /// [`Principals::sockets_of`](crate::Principals::sockets_of) again.
    Missed,
}

/// Error of [`Principals::watch`](crate::Principals::watch) and [`Principals::watch_all`](crate::Principals::watch_all).
///
/// # Examples
/// ```
/// let error = doorward::access::WatchError::TooMany;
/// assert_eq!(error.to_string(), "this node has as many watches as it may have");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// The user has 64 watches on this node, or the node has 100,000 of single users or 100 of all users. Drop other
    /// watches, or try again later.
    #[error("this node has as many watches as it may have")]
    TooMany,
    /// The server is not built yet.
    #[error("the server is not built yet")]
    NotBuilt,
}

impl Watch {
    /// Waits for the next change. Returns `None` after the server was dropped with all of its handles, such as
    /// [`Principals`](crate::Principals) and [`Hub`](crate::Hub).
    ///
    /// # Cancel safety
    /// Dropping the future loses no change.
    pub async fn next(&mut self) -> Option<Watched> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Watched>> {
        let next = self.queue.poll_recv(cx);
        if next.is_ready() && self.has_missed.swap(false, Ordering::AcqRel) {
            // The caller reads the list again, so what waits is not needed.
            while self.queue.try_recv().is_ok() {}
            return Poll::Ready(Some(Watched::Missed));
        }
        next
    }
}

impl Stream for Watch {
    type Item = Watched;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Watched>> {
        self.get_mut().poll(cx)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

/// Watches of this node.
pub(crate) struct Watches {
    listed: Mutex<List>,
    /// Maximum number of watches.
    max: usize,
    /// Number of watches, so that decisions need no lock while there is none.
    count: AtomicUsize,
    number: AtomicU64,
    gauge: Gauge,
    missed: Counter,
}

#[derive(Default)]
struct List {
    of_user: HashMap<UserId, Vec<Watcher>>,
    of_all: Vec<Watcher>,
}

struct Watcher {
    number: u64,
    queue: mpsc::Sender<Watched>,
    has_missed: Arc<AtomicBool>,
}

/// Entry of a watch, which is removed when this value is dropped.
struct Listed {
    watches: Weak<Watches>,
    user: Option<UserId>,
    number: u64,
}

impl Watches {
    pub(crate) fn new() -> Self {
        Self::with_room_for(MAX_WATCHES)
    }

    fn with_room_for(max: usize) -> Self {
        Self {
            listed: Mutex::default(),
            max,
            count: AtomicUsize::new(0),
            number: AtomicU64::new(0),
            gauge: gauge!(WATCHES),
            missed: counter!(MISSED),
        }
    }

    /// Begins to watch a user, or all users. Completes when changes on other nodes reach the watch, or after a second.
    pub(crate) async fn watch(
        self: &Arc<Self>,
        user: Option<&UserId>,
        relay: Option<&Arc<Relay>>,
    ) -> Result<Watch, WatchError> {
        let (sender, queue) = mpsc::channel(WAITING);
        let has_missed = Arc::<AtomicBool>::default();
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let watcher = Watcher { number, queue: sender, has_missed: Arc::clone(&has_missed) };
        self.add(user.cloned(), watcher)?;
        let listed = Listed { watches: Arc::downgrade(self), user: user.cloned(), number };
        let channel = match relay {
            Some(relay) => Some(relay.subscribe(of_watched(user)).await),
            None => None,
        };
        Ok(Watch { queue, has_missed, _listed: listed, _channel: channel })
    }

    fn add(&self, user: Option<UserId>, watcher: Watcher) -> Result<(), WatchError> {
        let mut list = lock(&self.listed);
        let List { of_user, of_all } = &mut *list;
        // Users cannot take the watches of operators, nor all watches of other users.
        let (watchers, max) = match user {
            Some(_) if self.count.load(Ordering::Relaxed) - of_all.len() >= self.max => {
                return Err(WatchError::TooMany);
            }
            Some(user) => (of_user.entry(user).or_default(), MAX_OF_USER),
            None => (of_all, MAX_OF_ALL),
        };
        if watchers.len() >= max {
            return Err(WatchError::TooMany);
        }
        watchers.push(watcher);
        self.count.fetch_add(1, Ordering::Relaxed);
        drop(list);
        self.gauge.increment(1.0);
        Ok(())
    }

    /// Tells the watches of this node and of other nodes about a change on this node.
    pub(crate) fn tell(&self, relay: Option<&Arc<Relay>>, change: ConnectionChange) {
        if let Some(relay) = relay
            && let Some(sent) = SentChange::of(&change)
            && let Ok(body) = serde_json::to_vec(&sent)
        {
            let message = |user: Option<&UserId>| {
                let content = Content::Connection { is_for_all: user.is_none() };
                relay.message(of_watched(user), &content, &[&body])
            };
            relay.queue.push_if_quiet([message(Some(&change.user)), message(None)]);
        }
        let change = Arc::new(change);
        self.report_to_user(&change);
        self.report_to(&lock(&self.listed).of_all, &change);
    }

    /// Reports to all watches that changes on other nodes may be missing.
    pub(crate) fn tell_missed(&self) {
        let list = lock(&self.listed);
        for watcher in list.of_user.values().flatten().chain(&list.of_all) {
            self.send(watcher, Watched::Missed);
        }
    }

    /// Reports a change on another node.
    pub(crate) fn tell_of_other(&self, change: ConnectionChange, is_for_all: bool) {
        let change = Arc::new(change);
        if is_for_all {
            self.report_to(&lock(&self.listed).of_all, &change);
        } else {
            self.report_to_user(&change);
        }
    }

    fn report_to_user(&self, change: &Arc<ConnectionChange>) {
        if let Some(watchers) = lock(&self.listed).of_user.get(&change.user) {
            self.report_to(watchers, change);
        }
    }

    fn report_to(&self, watchers: &[Watcher], change: &Arc<ConnectionChange>) {
        for watcher in watchers {
            self.send(watcher, Watched::Change(Arc::clone(change)));
        }
    }

    fn send(&self, watcher: &Watcher, watched: Watched) {
        let is_missed = watched == Watched::Missed;
        let is_full = watcher.queue.try_send(watched).is_err();
        if is_full {
            watcher.has_missed.store(true, Ordering::Release);
            // The reader may have emptied the queue meanwhile, and must wake. If it is full, the reader wakes anyway.
            watcher.queue.try_send(Watched::Missed).ok();
        }
        if is_full || is_missed {
            self.missed.increment(1);
        }
    }

    /// Returns `true` if no watch exists on this node.
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let Some(watches) = self.watches.upgrade() else { return };
        let mut list = lock(&watches.listed);
        let is_other = |watcher: &Watcher| watcher.number != self.number;
        match &self.user {
            None => list.of_all.retain(is_other),
            Some(user) => {
                if let Some(watchers) = list.of_user.get_mut(user) {
                    watchers.retain(is_other);
                    if watchers.is_empty() {
                        list.of_user.remove(user);
                    }
                }
            }
        }
        watches.count.fetch_sub(1, Ordering::Relaxed);
        drop(list);
        watches.gauge.decrement(1.0);
    }
}

impl Drop for Watches {
    fn drop(&mut self) {
        self.gauge.decrement(self.count.load(Ordering::Relaxed) as f64);
    }
}

/// Maximum number of watches of single users.
const MAX_WATCHES: usize = 100_000;

/// Maximum number of watches of one user.
const MAX_OF_USER: usize = 64;

/// Maximum number of watches of all users.
const MAX_OF_ALL: usize = 100;

/// Maximum number of changes that wait for the reader of a watch.
const WAITING: usize = 64;

const WATCHES: &str = "doorward_watches";
const MISSED: &str = "doorward_watches_missed_total";

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use doorward_core::{Decision, DecisionId, NodeId};

    use super::*;
    use crate::runtime::system::OsEntropy;

    fn change(user: &str) -> ConnectionChange {
        ConnectionChange {
            decision: DecisionId::generate(&OsEntropy),
            at: SystemTime::UNIX_EPOCH,
            outcome: Decision::Admitted,
            user: user.into(),
            namespace: "/".into(),
            socket: None,
            agent: None,
            network: None,
            node: NodeId::new("eu-1"),
        }
    }

    #[tokio::test]
    async fn a_watch_that_is_dropped_makes_room_for_another() {
        let watches = Arc::new(Watches::with_room_for(2));
        let alice = "alice".into();
        let first = watches.watch(Some(&alice), None).await.unwrap();
        let _second = watches.watch(None, None).await.unwrap();
        let _third = watches.watch(Some(&alice), None).await.unwrap();
        assert_eq!(watches.watch(Some(&alice), None).await.unwrap_err(), WatchError::TooMany);

        drop(first);

        assert!(watches.watch(Some(&alice), None).await.is_ok());
    }

    #[tokio::test]
    async fn a_user_cannot_take_the_watches_of_others() {
        let watches = Arc::new(Watches::new());
        let (alice, bob) = ("alice".into(), "bob".into());
        let mut held = Vec::new();
        for _ in 0..MAX_OF_USER {
            held.push(watches.watch(Some(&alice), None).await.unwrap());
        }

        assert_eq!(watches.watch(Some(&alice), None).await.unwrap_err(), WatchError::TooMany);
        assert!(watches.watch(Some(&bob), None).await.is_ok());
        assert!(watches.watch(None, None).await.is_ok());
        drop(held);
        assert!(watches.is_empty() && lock(&watches.listed).of_user.is_empty());
    }

    /// The reader gets one report in place of all changes that waited, and then the next changes.
    #[tokio::test]
    async fn a_watch_that_is_not_read_reports_that_it_has_missed_changes() {
        let watches = Arc::new(Watches::new());
        let mut watch = watches.watch(Some(&"alice".into()), None).await.unwrap();
        for _ in 0..=WAITING {
            watches.tell(None, change("alice"));
        }

        let next = change("alice");
        assert_eq!(watch.next().await, Some(Watched::Missed));
        watches.tell(None, next.clone());
        assert_eq!(watch.next().await, Some(Watched::Change(Arc::new(next))));
    }

    #[tokio::test]
    async fn a_watch_ends_with_its_server() {
        let watches = Arc::new(Watches::new());
        let mut watch = watches.watch(None, None).await.unwrap();
        watches.tell(None, change("alice"));

        drop(watches);

        assert!(matches!(watch.next().await, Some(Watched::Change(_))));
        assert_eq!(watch.next().await, None);
    }
}
