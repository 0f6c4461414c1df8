//! Presence on other nodes, as they have sent it.

use std::{collections::HashMap, sync::Arc};

use doorward_core::{Incarnation, UserId, lock};

use super::{
    Place, Roster, State,
    peer::{Line, Peer},
};
use crate::bus::message::{NodeRun, Whole};

impl Roster {
    /// Compares the number of the last change of another node with what has arrived. Returns `true`
    /// if its whole presence must be asked for.
    pub(crate) fn check_number(&self, from: &NodeRun, number: u64) -> bool {
        let mut state = lock(&self.state);
        let peer = state.peer(from);
        if number == 0 && peer.number.is_none() {
            // It has told nothing so far.
            peer.number = Some(0);
        }
        let has_all = peer.number == Some(number);
        // Every second beat, so that a long answer is not asked for again while it arrives.
        peer.was_asked = !has_all && !peer.was_asked;
        peer.was_asked
    }

    /// Applies changes of another node. They are dropped if an earlier one is missing.
    pub(crate) fn apply(&self, from: &NodeRun, number: u64, body: &[u8]) {
        let mut state = lock(&self.state);
        let peer = state.peer(from);
        let lines = serde_json::from_slice::<Vec<Line>>(body);
        let (Ok(lines), true) = (lines, peer.number.and_then(next) == Some(number)) else {
            peer.number = None;
            return;
        };
        peer.number = Some(number);
        for line in lines {
            let (place, user, count) = read(line);
            self.set(&mut state, from.run, place, user, count, false);
        }
    }

    /// Takes a part of the whole presence on another node, and applies it with the last part.
    pub(crate) fn apply_whole(
        &self,
        from: &NodeRun,
        Whole { number, sending, part, is_last }: Whole,
        body: &[u8],
    ) {
        let Ok(lines) = serde_json::from_slice::<Vec<Line>>(body) else { return };
        let mut state = lock(&self.state);
        let peer = state.peer(from);
        if part == 0 {
            (peer.begun, peer.next) = (Vec::new(), Some((sending, 0)));
        }
        if peer.next != Some((sending, part)) {
            // A part is missing. A later beat asks again.
            peer.next = None;
            return;
        }
        peer.next = Some((sending, part + 1));
        peer.begun.extend(lines);
        if !is_last {
            return;
        }
        peer.number = Some(number);
        let is_new = self.relay.as_ref().is_some_and(|relay| relay.peers.is_new());
        let lines = std::mem::take(&mut peer.begun);
        let mut gone = peer.entries.clone();
        let mut silent = HashMap::new();
        for line in lines {
            let (place, user, count) = read(line);
            gone.remove(&(place.clone(), user.clone()));
            // A node that has just started and has no client in the namespace has no client to tell.
            let is_silent = *silent
                .entry(Arc::clone(&place.namespace))
                .or_insert_with(|| is_new && !state.has_local(&place.namespace));
            self.set(&mut state, from.run, place, user, count, is_silent);
        }
        for (place, user) in gone {
            self.set(&mut state, from.run, place, user, 0, false);
        }
    }

    /// Forgets a node that is gone.
    pub(crate) fn forget(&self, run: Incarnation) {
        let mut state = lock(&self.state);
        let Some(peer) = state.peers.get(&run) else { return };
        for (place, user) in peer.entries.clone() {
            self.set(&mut state, run, place, user, 0, false);
        }
        state.peers.remove(&run);
    }

    /// Sets the number of connections of a user to another node.
    fn set(
        &self,
        state: &mut State,
        run: Incarnation,
        place: Place,
        user: UserId,
        count: u32,
        is_silent: bool,
    ) {
        let entry = state.entry(&place, &user);
        entry.elsewhere.retain(|(other, _)| *other != run);
        if count > 0 {
            entry.elsewhere.push((run, count));
        }
        if is_silent && !entry.is_untold {
            entry.was_told = entry.is_present();
        }
        self.settle(state, &place, &user);
        if let Some(peer) = state.peers.get_mut(&run) {
            if count > 0 {
                peer.entries.insert((place, user));
            } else {
                peer.entries.remove(&(place, user));
            }
        }
    }
}

impl State {
    fn peer(&mut self, from: &NodeRun) -> &mut Peer {
        self.peers.entry(from.run).or_insert_with(|| Peer::new(from.node.clone()))
    }

    /// Returns `true` if this node has a connection to the namespace.
    fn has_local(&self, namespace: &Arc<str>) -> bool {
        let place = Place { namespace: Arc::clone(namespace), room: None };
        let users: Option<&HashMap<_, _>> = self.places.get(&place);
        users.is_some_and(|users| users.values().any(|entry| entry.local > 0))
    }
}

fn read((namespace, room, user, count): Line) -> (Place, UserId, u32) {
    let place = Place { namespace: namespace.into(), room: room.map(Into::into) };
    (place, UserId::new(user), count)
}

fn next(number: u64) -> Option<u64> {
    number.checked_add(1)
}
