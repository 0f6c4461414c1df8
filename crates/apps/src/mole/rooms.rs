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

use doorward::{Hub, SocketId, access::NodeId, cluster::Owner, event::AskNodeError};

use super::{
    call::{CALL, Call, Guest, Reply},
    running::{RunningGames, room_of},
    wire::Moved,
};
use crate::{
    application::{NamedUser, Services},
    lock::lock,
};

/// The rooms by name.
pub(super) struct Rooms {
    pub(super) running: Arc<RunningGames>,
    rooms: Mutex<HashMap<Box<str>, Arc<Room>>>,
}

/// Room with at least one client of this node.
pub(super) struct Room {
    pub(super) name: Box<str>,
    hub: Hub<NamedUser>,
    guests: Mutex<HashMap<SocketId, Guest>>,
    host: Mutex<Option<Host>>,
}

/// Game that the clients of a room have entered.
#[derive(Clone, PartialEq, Eq)]
struct Host {
    /// Node that runs the game. `None` is this node.
    node: Option<NodeId>,
    /// Number of the game.
    game: u64,
}

/// Client that was added to a room. It is removed again when this value is dropped, unless it is [kept](Self::keep). A
/// client that was in the room is in it as before.
pub(super) struct Entering {
    pub(super) room: Arc<Room>,
    socket: SocketId,
    /// The client as it was in the room before.
    before: Option<Guest>,
    is_kept: bool,
}

/// Reason why a node has not answered a call.
enum NoReply {
    /// The node does not run the game of the room.
    NotRunning,
    /// The node does not answer.
    Silent(NodeId),
}

/// Error: the node that runs the game is not known, or does not answer.
pub(super) struct Unavailable;

impl Rooms {
    pub(super) fn new(services: &Services) -> Arc<Self> {
        Arc::new(Self { running: Arc::new(RunningGames::new(services)), rooms: Mutex::default() })
    }

    /// Adds a client to a room. Returns `None` if there are too many rooms.
    pub(super) fn enter(
        self: &Arc<Self>,
        name: &str,
        hub: &Hub<NamedUser>,
        guest: Guest,
    ) -> Option<Entering> {
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
        let socket = guest.client.socket;
        let before = lock(&room.guests).insert(socket, guest);
        Some(Entering { room, socket, before, is_kept: false })
    }

    /// Passes a call to the node that runs the game of a room.
    pub(super) async fn call(&self, room: &Room, call: Call) -> Result<Reply, Unavailable> {
        match self.pass(room, &call).await {
            Ok(reply) => Ok(reply),
            Err(failed) if call.enters() => self.find(room, || call, failed).await,
            Err(_) => Err(Unavailable),
        }
    }

    /// Passes a call to the node that runs the game as far as is known.
    async fn pass(&self, room: &Room, call: &Call) -> Result<Reply, NoReply> {
        let host = lock(&room.host).clone();
        let Some(node) = host.and_then(|host| host.node) else {
            let reply = self.running.answer(&room.name, call).ok_or(NoReply::NotRunning)?;
            room.entered(None, &reply);
            return Ok(reply);
        };
        let reply = self.ask(room, &node, call).await?;
        room.entered(Some(node), &reply);
        Ok(reply)
    }

    /// Finds the node that runs the game of a room, and lets clients enter. This node begins a game if there is none.
    /// A node that was silent before is not asked again.
    async fn find(
        &self,
        room: &Room,
        call: impl FnOnce() -> Call,
        before: NoReply,
    ) -> Result<Reply, Unavailable> {
        let owner = room.hub.own(&room.name).await.map_err(|error| {
            tracing::debug!(room = &*room.name, %error, "It is not known which node runs a game.");
            Unavailable
        })?;
        let node = match owner {
            Owner::Here(ownership) => {
                let reply = self.running.begin(&room.hub, &room.name, ownership, &call());
                room.entered(None, &reply);
                return Ok(reply);
            }
            Owner::Node(node) => node,
        };
        if matches!(before, NoReply::Silent(silent) if silent == node) {
            return Err(Unavailable);
        }
        let reply = self.ask(room, &node, &call()).await.map_err(|_silent| Unavailable)?;
        room.entered(Some(node), &reply);
        Ok(reply)
    }

    /// Asks another node.
    async fn ask(&self, room: &Room, node: &NodeId, call: &Call) -> Result<Reply, NoReply> {
        let clock = &self.running.clock;
        let asked = room.hub.ask_node::<Option<Reply>>(node, CALL, (&*room.name, call));
        let answer = tokio::select! {
            answer = asked => answer,
            () = clock.sleep_until(clock.now() + ANSWERED_WITHIN) => Err(AskNodeError::NoAnswer),
        };
        match answer {
            Ok(reply) => reply.ok_or(NoReply::NotRunning),
            Err(error) => {
                tracing::debug!(room = &*room.name, %node, %error, "No answer about a game.");
                Err(NoReply::Silent(node.clone()))
            }
        }
    }

    /// Tells the node that runs the game which clients are there, until there is none.
    async fn keep(self: Arc<Self>, room: Arc<Room>) {
        let clock = Arc::clone(&self.running.clock);
        loop {
            clock.sleep_until(clock.now() + BETWEEN_STAYS).await;
            if self.ends(&room) {
                return;
            }
            if let Err(failed) = self.pass(&room, &Call::Stay(room.guests())).await {
                // The clients may have changed when the node is found.
                self.find(&room, || Call::Stay(room.guests()), failed).await.ok();
            }
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

impl Entering {
    pub(super) fn keep(mut self) -> Arc<Room> {
        self.is_kept = true;
        Arc::clone(&self.room)
    }
}

impl Drop for Entering {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        match self.before.take() {
            Some(before) => {
                lock(&self.room.guests).insert(self.socket, before);
            }
            None => self.room.remove(self.socket),
        }
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

    /// Removes a client of this node.
    pub(super) fn remove(&self, socket: SocketId) {
        lock(&self.guests).remove(&socket);
    }

    /// Records the game that the clients of this node have entered. If it is another one than before, tells them that
    /// their round is lost.
    fn entered(&self, node: Option<NodeId>, reply: &Reply) {
        let Reply::Entered(game) = *reply else { return };
        let host = Host { node, game };
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
const BETWEEN_STAYS: Duration = Duration::from_secs(3);

/// Time limit for an answer of another node.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);
