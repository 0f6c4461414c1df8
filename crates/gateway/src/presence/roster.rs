//! Users that are connected to a namespace, and those in its rooms, on all nodes.
//!
//! Each node numbers the changes of its own users, and is the only one that changes them. It sends
//! changes over the bus, and everything to a node that has missed a change. Start reading at
//! [`Roster::add`].

mod elsewhere;
mod peer;
mod place;
mod telling;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use doorward_core::{Incarnation, NodeId, UserId, bus::Message, lock};
use metrics::{Gauge, gauge};
use tokio::sync::Notify;

use self::peer::{Line, Peer};
pub(crate) use self::place::Place;
use crate::bus::{
    channels::{of_all, of_node},
    message::{Content, NodeRun, Whole},
    relay::{Relay, in_parts},
};

/// Presence of users in the namespaces that track it.
pub(crate) struct Roster {
    /// Connection to the other nodes. `None` if the server is the only node.
    relay: Option<Arc<Relay>>,
    node: NodeId,
    /// The lock is held for one change, or for copying a list.
    state: Mutex<State>,
    /// Notified when the other nodes must be told a change.
    unsent: Notify,
    /// Notified when the application must be told a change.
    untold: Notify,
    gauge: Gauge,
}

#[derive(Default)]
struct State {
    places: HashMap<Place, HashMap<UserId, Entry>>,
    entries: usize,
    /// Number of the last change that was sent.
    number: u64,
    /// Number of times that the whole presence was sent.
    sendings: u64,
    /// Users of this node whose change was not sent yet.
    unsent: Vec<(Place, UserId)>,
    /// Changes that the application was not told yet.
    untold: VecDeque<(Place, UserId)>,
    peers: HashMap<Incarnation, Peer>,
}

/// Connections of one user in one place.
#[derive(Default)]
struct Entry {
    /// Number of connections to this node.
    local: u32,
    elsewhere: Vec<(Incarnation, u32)>,
    /// `true` if the application was told last that the user is present.
    was_told: bool,
    /// `true` while the entry is in `untold`, or the application is being told.
    is_untold: bool,
    /// `true` while the entry is in `unsent`.
    is_unsent: bool,
}

/// Change of the presence of a user, as the application is told.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) place: Place,
    pub(crate) user: UserId,
    pub(crate) is_present: bool,
}

impl Roster {
    pub(crate) fn new(node: NodeId, relay: Option<Arc<Relay>>) -> Self {
        Self {
            relay,
            node,
            state: Mutex::default(),
            unsent: Notify::new(),
            untold: Notify::new(),
            gauge: gauge!(ENTRIES),
        }
    }

    /// Adds a connection of this node.
    pub(crate) fn add(&self, place: &Place, user: &UserId) {
        self.change_local(place, user, |local| local + 1);
    }

    /// Removes a connection that was added.
    pub(crate) fn remove(&self, place: &Place, user: &UserId) {
        self.change_local(place, user, |local| local.saturating_sub(1));
    }

    fn change_local(&self, place: &Place, user: &UserId, change: impl FnOnce(u32) -> u32) {
        let mut state = lock(&self.state);
        let entry = state.entry(place, user);
        entry.local = change(entry.local);
        let is_unsent = self.relay.is_some() && !std::mem::replace(&mut entry.is_unsent, true);
        if is_unsent {
            state.unsent.push((place.clone(), user.clone()));
        }
        self.settle(&mut state, place, user);
        drop(state);
        if is_unsent {
            self.unsent.notify_one();
        }
    }

    /// Returns the numbers of connections of a user by node. The list is empty if the user is not
    /// there.
    pub(crate) fn connections(&self, place: &Place, user: &UserId) -> Vec<(NodeId, usize)> {
        let state = lock(&self.state);
        let Some(entry) = state.places.get(place).and_then(|users| users.get(user)) else {
            return Vec::new();
        };
        // A node that was started again may be known twice for a few seconds.
        let mut by_node = BTreeMap::new();
        if entry.local > 0 {
            by_node.insert(self.node.clone(), entry.local as usize);
        }
        for (run, count) in &entry.elsewhere {
            if let Some(peer) = state.peers.get(run) {
                *by_node.entry(peer.node.clone()).or_default() += *count as usize;
            }
        }
        by_node.into_iter().collect()
    }

    pub(crate) fn is_present(&self, place: &Place, user: &UserId) -> bool {
        let state = lock(&self.state);
        state.places.get(place).and_then(|users| users.get(user)).is_some_and(Entry::is_present)
    }

    /// Returns all users in a place, in any order.
    pub(crate) fn users(&self, place: &Place) -> Vec<UserId> {
        let state = lock(&self.state);
        let users = state.places.get(place).into_iter().flatten();
        users.filter(|(_, entry)| entry.is_present()).map(|(user, _)| user.clone()).collect()
    }

    #[cfg(test)]
    fn entries(&self) -> usize {
        lock(&self.state).entries
    }

    /// Waits until there are changes to send.
    pub(crate) async fn unsent(&self) {
        self.unsent.notified().await;
    }

    /// Sends the changes of this node to all others. The task of the bus calls this method and
    /// [`send_whole`](Self::send_whole), one after the other, so that messages are sent in the order of
    /// their numbers.
    pub(crate) fn send_changes(&self) {
        let Some(relay) = &self.relay else { return };
        let lines = self.take_unsent();
        if lines.is_empty() {
            return;
        }
        let parts = in_parts(&lines);
        let mut state = lock(&self.state);
        let messages = parts.iter().map(|part| {
            state.number += 1;
            let content = Content::Presence { number: state.number };
            relay.message(of_all(), &content, &[part])
        });
        let messages: Vec<Message> = messages.collect();
        drop(state);
        // The others notice by the next beat if these are dropped.
        relay.queue.push(messages);
    }

    /// Drops the changes of this node, because the bus is away. The others ask for everything when it is
    /// back.
    pub(crate) fn drop_changes(&self) {
        if !self.take_unsent().is_empty() {
            lock(&self.state).number += 1;
        }
    }

    fn take_unsent(&self) -> Vec<Line> {
        let mut state = lock(&self.state);
        let unsent = std::mem::take(&mut state.unsent);
        let mut lines = Vec::with_capacity(unsent.len());
        for (place, user) in &unsent {
            let entry = state.entry(place, user);
            entry.is_unsent = false;
            lines.push(line(place, user, entry.local));
            self.settle(&mut state, place, user);
        }
        lines
    }

    /// Returns the number of the last change that was sent.
    pub(crate) fn number(&self) -> u64 {
        lock(&self.state).number
    }

    /// Sends the whole presence on this node to another one.
    pub(crate) fn send_whole(&self, to: &NodeRun) {
        let Some(relay) = &self.relay else { return };
        let (number, sending, lines) = {
            let mut state = lock(&self.state);
            state.sendings += 1;
            (state.number, state.sendings, state.local_lines())
        };
        let parts = in_parts(&lines);
        let last = parts.len() - 1;
        let messages = parts.iter().zip(0_u32..).map(|(body, part)| {
            let is_last = part as usize == last;
            let content = Content::WholePresence(Whole { number, sending, part, is_last });
            relay.message(of_node(to), &content, &[body])
        });
        relay.queue.push(messages);
    }

    /// Notices if the presence of a user has changed, and forgets an entry that is not needed.
    fn settle(&self, state: &mut State, place: &Place, user: &UserId) {
        let Some(users) = state.places.get_mut(place) else { return };
        let Some(entry) = users.get_mut(user) else { return };
        if entry.is_present() != entry.was_told && !entry.is_untold {
            entry.is_untold = true;
            state.untold.push_back((place.clone(), user.clone()));
            self.untold.notify_one();
        }
        if !(entry.is_present() || entry.is_untold || entry.is_unsent) {
            users.remove(user);
            if users.is_empty() {
                state.places.remove(place);
            }
            state.entries -= 1;
        }
        self.gauge.set(state.entries as f64);
    }
}

impl State {
    /// Returns all users of this node.
    fn local_lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for (place, users) in &self.places {
            let local = users.iter().filter(|(_, entry)| entry.local > 0);
            lines.extend(local.map(|(user, entry)| line(place, user, entry.local)));
        }
        lines
    }

    /// Returns an entry. Adds it if there is none. The caller settles it afterwards.
    fn entry(&mut self, place: &Place, user: &UserId) -> &mut Entry {
        if !self.places.contains_key(place) {
            self.places.insert(place.clone(), HashMap::new());
        }
        let users = self.places.get_mut(place).expect("it was found or added");
        if !users.contains_key(user) {
            self.entries += 1;
        }
        users.entry(user.clone()).or_default()
    }
}

impl Entry {
    fn is_present(&self) -> bool {
        self.local > 0 || !self.elsewhere.is_empty()
    }
}

fn line(place: &Place, user: &UserId, count: u32) -> Line {
    let room = place.room.as_deref().map(Into::into);
    ((&*place.namespace).into(), room, user.as_str().into(), count)
}

/// Time for which changes are collected before they are sent.
pub(crate) const COLLECTED_FOR: Duration = Duration::from_millis(50);

const ENTRIES: &str = "doorward_presence_entries";
