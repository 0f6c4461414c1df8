//! Rooms with clients of this node, and the way to the node that runs their game.
//!
//! Every three seconds a node tells the node that runs a room which of its clients are there. If that node is gone,
//! one of the others becomes the owner of the room, begins a new game, and the clients enter it. Start reading at
//! [`Rooms::call`].

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use doorward::{Hub, SocketId, access::NodeId, event::AskNodeError};

use super::{
    call::{CALL, Call, Guest, Reply},
    tables::{Tables, room_of},
    wire::Moved,
};
use crate::{
    application::{NamedUser, Services},
    lock::lock,
};

/// The rooms by name.
pub(super) struct Rooms {
    pub(super) tables: Arc<Tables>,
    rooms: Mutex<HashMap<Box<str>, Arc<Room>>>,
}

/// Room with at least one client of this node.
pub(super) struct Room {
    pub(super) name: Box<str>,
    hub: Hub<NamedUser>,
    guests: Mutex<HashMap<SocketId, Guest>>,
    host: Mutex<Option<Host>>,
}

/// Node that runs the game of a room.
#[derive(Clone, PartialEq, Eq)]
enum Host {
    Here,
    Node(NodeId),
}

impl Rooms {
    pub(super) fn new(services: &Services) -> Arc<Self> {
        Arc::new(Self { tables: Arc::new(Tables::new(services)), rooms: Mutex::default() })
    }

    /// Returns a room, with the client in it. Returns `None` if there are too many rooms.
    pub(super) fn enter(
        self: &Arc<Self>,
        name: &str,
        hub: &Hub<NamedUser>,
        guest: Guest,
    ) -> Option<Arc<Room>> {
        // The list is locked until the client is in the room, so that the room cannot be removed in between.
        let mut rooms = lock(&self.rooms);
        if !rooms.contains_key(name) {
            if rooms.len() >= MAX_ROOMS {
                return None;
            }
            let room = Arc::new(Room {
                name: name.into(),
                hub: hub.clone(),
                guests: Mutex::default(),
                host: Mutex::default(),
            });
            rooms.insert(name.into(), Arc::clone(&room));
            tokio::spawn(Arc::clone(self).keep(room));
        }
        let room = Arc::clone(rooms.get(name)?);
        room.set(guest);
        Some(room)
    }

    /// Passes a call to the node that runs the game of a room.
    pub(super) async fn call(&self, room: &Room, call: Call) -> Reply {
        let known = lock(&room.host).clone();
        let Some(Host::Node(node)) = known else { return self.find(room, call, None).await };
        match self.ask(room, &node, &call).await {
            Some(Reply::Elsewhere(_)) => self.find(room, call, None).await,
            Some(reply) => reply,
            None => self.find(room, call, Some(node)).await,
        }
    }

    /// Finds the node that runs the game of a room, and passes a call to it. This node becomes the owner of the room if
    /// there is none. `silent` is a node that has just not answered, and is not asked again.
    async fn find(&self, room: &Room, call: Call, silent: Option<NodeId>) -> Reply {
        let reply = self.tables.answer(&room.hub, &room.name, call.clone()).await;
        let Reply::Elsewhere(node) = reply else {
            if !matches!(reply, Reply::Unavailable | Reply::TooManyRooms) {
                room.found(Host::Here);
            }
            return reply;
        };
        let node = NodeId::new(&*node);
        if silent.as_ref() == Some(&node) {
            return Reply::Unavailable;
        }
        match self.ask(room, &node, &call).await {
            Some(reply) if !matches!(reply, Reply::Elsewhere(_)) => {
                room.found(Host::Node(node));
                reply
            }
            _ => Reply::Unavailable,
        }
    }

    /// Asks another node. Returns `None` if it does not answer.
    async fn ask(&self, room: &Room, node: &NodeId, call: &Call) -> Option<Reply> {
        let clock = &self.tables.clock;
        let asked = room.hub.ask_node::<Reply>(node, CALL, (&*room.name, call));
        let answer = tokio::select! {
            answer = asked => answer,
            () = clock.sleep_until(clock.now() + ANSWERED_WITHIN) => Err(AskNodeError::NoAnswer),
        };
        answer
            .inspect_err(|error| tracing::debug!(room = &*room.name, %node, %error, "No answer about a game."))
            .ok()
    }

    /// Tells the node that runs the game which clients are there, until there is none.
    async fn keep(self: Arc<Self>, room: Arc<Room>) {
        let clock = Arc::clone(&self.tables.clock);
        loop {
            clock.sleep_until(clock.now() + BETWEEN_WORDS).await;
            if self.ends(&room) {
                return;
            }
            self.find(&room, Call::Stay(room.guests()), None).await;
        }
    }

    /// Removes the room if it has no client of this node. Returns `true` if it was removed.
    fn ends(&self, room: &Room) -> bool {
        let mut rooms = lock(&self.rooms);
        let is_empty = room.guests().is_empty();
        if is_empty {
            rooms.remove(&room.name);
        }
        is_empty
    }
}

impl Room {
    /// Returns the clients of this node that are still connected.
    fn guests(&self) -> Vec<Guest> {
        let mut guests = lock(&self.guests);
        // A handler may have ended with its client before it has removed it.
        guests.retain(|socket, _| self.hub.local_socket(*socket).is_some());
        guests.values().cloned().collect()
    }

    /// Returns a client of this node, as it is in the room.
    pub(super) fn guest(&self, socket: SocketId) -> Option<Guest> {
        lock(&self.guests).get(&socket).cloned()
    }

    /// Adds or changes a client of this node.
    pub(super) fn set(&self, guest: Guest) {
        lock(&self.guests).insert(guest.who.socket, guest);
    }

    /// Removes a client of this node.
    pub(super) fn remove(&self, socket: SocketId) {
        lock(&self.guests).remove(&socket);
    }

    /// Keeps which node runs the game. Tells the clients of this node if it is another one than before: their round is
    /// lost.
    fn found(&self, host: Host) {
        let before = lock(&self.host).replace(host.clone());
        if before.is_some_and(|before| before != host)
            && let Err(error) = self.hub.to(room_of(&self.name)).local().emit_event(&Moved {})
        {
            tracing::error!(%error, "The clients could not be told that their game has ended.");
        }
    }
}

/// Maximum number of rooms with clients of this node, which bounds the memory.
const MAX_ROOMS: usize = 1_000;

/// Time from one message about the clients of a room to the next one.
const BETWEEN_WORDS: Duration = Duration::from_secs(3);

/// Time limit for an answer of another node.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);
