//! Games that this node runs, each with a task that advances it.
//!
//! One node runs the game of a room: the one that owns the name of the room in the cluster. A change of a game is
//! broadcast before the next change, so that all players receive the same news in the same order. A game exists from
//! its first connection until its last connection has left and no round is running. `game` decides what a player
//! keeps after leaving. Start reading at [`Tables::answer`].

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use doorward::{
    Hub, ServerEvent, SocketId, UserId,
    cluster::{Owner, Ownership},
    server::{Clock, Entropy},
    store::StoreError,
};
use tokio::sync::Notify;

use super::{
    call::{Call, Guest, Reply, Who},
    game::{Full, Game, News},
    top::Top,
    wire::{Ranking, Scores, Spectators},
};
use crate::{
    application::{NamedUser, Services},
    lock::lock,
};

/// The games, and the services that they share.
pub(super) struct Tables {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) top: Top,
    pub(super) round: Duration,
    /// Games by the name of their room. The lock is held while a client enters, and while an empty game is removed.
    tables: Mutex<HashMap<Box<str>, Arc<Table>>>,
}

/// Game of a room, with its clients.
struct Table {
    room: Box<str>,
    hub: Hub<NamedUser>,
    /// Right of this node to run the game.
    ownership: Ownership,
    /// The lock is held for one change and the broadcast of its news. A change that has panicked has sent no news, so
    /// the game can continue.
    state: Mutex<State>,
    /// Wakes the task of the game after a change. The next event may now be due earlier, or the game may be empty.
    changed: Notify,
}

struct State {
    game: Game,
    guests: HashMap<SocketId, Presence>,
}

/// Client that is in the room as long as its node says so.
struct Presence {
    user: UserId,
    /// Number of checks since its node has said so.
    checks: u32,
}

impl Tables {
    pub(super) fn new(services: &Services) -> Self {
        Self {
            clock: Arc::clone(&services.clock),
            entropy: Arc::clone(&services.entropy),
            top: Top(services.database.clone()),
            round: services.round,
            tables: Mutex::default(),
        }
    }

    /// Answers a call, if this node runs the game of the room or can begin to. Otherwise names the node that does.
    pub(super) async fn answer(
        self: &Arc<Self>,
        hub: &Hub<NamedUser>,
        room: &str,
        call: Call,
    ) -> Reply {
        if let Some(reply) = self.answer_if_run(room, &call) {
            return reply;
        }
        let ownership = match hub.own(room).await {
            Ok(Owner::Here(ownership)) => ownership,
            Ok(Owner::Node(node)) => return Reply::Elsewhere(node.as_str().into()),
            Err(StoreError::Full) => return Reply::TooManyRooms,
            Err(error) => {
                tracing::debug!(room, %error, "It is not known which node runs a game.");
                return Reply::Unavailable;
            }
        };
        match call {
            Call::Enter(_) | Call::Stay(_) => self.begin(hub, room, ownership, &call),
            // There is no game. The name is given back.
            Call::Leave(_) => Reply::Done,
            Call::Start(_) | Call::Strike(..) => Reply::Forbidden,
        }
    }

    fn answer_if_run(&self, room: &str, call: &Call) -> Option<Reply> {
        // Lock order: tables before the state of a table, here and in `ends`. The list is locked until the client has
        // entered, so that the game cannot be removed as empty in between.
        let tables = lock(&self.tables);
        let table = tables.get(room).filter(|table| table.ownership.is_current())?;
        Some(table.answer(call, self.clock.now()))
    }

    /// Begins a game, unless it has begun meanwhile.
    fn begin(
        self: &Arc<Self>,
        hub: &Hub<NamedUser>,
        room: &str,
        ownership: Ownership,
        call: &Call,
    ) -> Reply {
        let mut tables = lock(&self.tables);
        if let Some(table) = tables.get(room).filter(|table| table.ownership.is_current()) {
            return table.answer(call, self.clock.now());
        }
        if tables.len() >= MAX_TABLES {
            return Reply::TooManyRooms;
        }
        let state = State { game: Game::new(self.round), guests: HashMap::new() };
        let table = Arc::new(Table {
            room: room.into(),
            hub: hub.clone(),
            ownership,
            state: Mutex::new(state),
            changed: Notify::new(),
        });
        tables.insert(room.into(), Arc::clone(&table));
        tokio::spawn(Arc::clone(self).run(Arc::clone(&table)));
        table.answer(call, self.clock.now())
    }

    /// Advances a game until it ends, or until another node may run it.
    async fn run(self: Arc<Self>, table: Arc<Table>) {
        let mut check_at = self.clock.now() + BETWEEN_CHECKS;
        while !self.ends(&table) {
            let deadline = table.lock().game.deadline().map_or(check_at, |due| due.min(check_at));
            // `Notify` keeps one permit, so a change after the deadline was read is not missed.
            tokio::select! {
                () = self.clock.sleep_until(deadline) => {}
                () = table.changed.notified() => {}
                () = table.ownership.ended() => {}
            }
            let now = self.clock.now();
            if now >= check_at {
                check_at = now + BETWEEN_CHECKS;
                table.change(now, |state, now| state.check(now));
            }
            let ranking = table.advance(now, &*self.entropy);
            if let Some(ranking) = ranking {
                match self.top.add(&ranking.0, self.clock.wall()).await {
                    Ok(top) => table.tell(&top),
                    Err(error) => {
                        tracing::warn!(%error, "The scores of a round could not be stored.");
                    }
                }
            }
        }
    }

    /// Removes the game if it is empty and no round is running, or if this node does not own the room any more. Returns
    /// `true` if it was removed. The lock on the games prevents clients from entering meanwhile.
    fn ends(&self, table: &Arc<Table>) -> bool {
        let mut tables = lock(&self.tables);
        let is_over = !table.ownership.is_current() || table.lock().game.is_over();
        // This node may have begun another game for the room, after it was not the owner for some time.
        if is_over && tables.get(&*table.room).is_some_and(|current| Arc::ptr_eq(current, table)) {
            tables.remove(&*table.room);
        }
        is_over
    }
}

impl Table {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn answer(&self, call: &Call, now: Instant) -> Reply {
        match call {
            Call::Enter(guest) => {
                match self.change(now, |state, now| self.enter(state, guest, now)) {
                    Ok(()) => Reply::Done,
                    Err(Full) => Reply::Full,
                }
            }
            Call::Leave(who) => {
                self.change(now, |state, now| state.leave(who, now));
                Reply::Done
            }
            Call::Stay(guests) => {
                self.change(now, |state, now| {
                    guests.iter().for_each(|guest| self.stay(state, guest, now))
                });
                Reply::Done
            }
            Call::Start(Who { user, socket }) => {
                if self.change(now, |state, now| state.game.start(user, *socket, now)) {
                    Reply::Done
                } else {
                    Reply::Forbidden
                }
            }
            Call::Strike(Who { user, socket }, strike) => Reply::Struck(
                self.change(now, |state, now| state.game.strike(user, *socket, *strike, now)),
            ),
        }
    }

    /// Lets a client enter, and sends it the state of the room. Later changes are sent after this event.
    fn enter(&self, state: &mut State, guest: &Guest, now: Instant) -> Result<(), Full> {
        let Guest { who: Who { user, socket }, name, watch } = guest;
        if *watch {
            state.game.watch(user, *socket)?;
        } else {
            state.game.join(user, name, *socket)?;
        }
        state.guests.insert(*socket, Presence { user: user.clone(), checks: 0 });
        let event = state.game.state(&self.room, user, *socket, now);
        if let Err(error) = self.hub.to(*socket).emit_event(&event) {
            tracing::error!(%error, "The state of a room could not be sent.");
        }
        Ok(())
    }

    /// Keeps a client in the room, or lets it enter if the game has begun without it.
    fn stay(&self, state: &mut State, guest: &Guest, now: Instant) {
        if let Some(presence) = state.guests.get_mut(&guest.who.socket) {
            presence.checks = 0;
        } else if state.guests.values().all(|other| other.user != guest.who.user) {
            // If the room is full, the client sees no game until there is room.
            self.enter(state, guest, now).ok();
        }
    }

    /// Changes the game, and broadcasts the news.
    fn change<T>(&self, now: Instant, change: impl FnOnce(&mut State, Instant) -> T) -> T {
        let mut state = self.lock();
        let before = state.game.deadline();
        let result = change(&mut state, now);
        // Broadcast while the game is locked, so that the news is sent in the order of the changes. Sending never waits.
        self.spread(state.game.news());
        if state.game.deadline() != before || state.game.is_over() {
            self.changed.notify_one();
        }
        result
    }

    /// Processes events that are due, and returns the ranking of a round that has ended.
    fn advance(&self, now: Instant, entropy: &dyn Entropy) -> Option<Ranking> {
        let mut state = self.lock();
        state.game.tick(now, entropy);
        self.spread(state.game.news())
    }

    /// Broadcasts the news, if this node still runs the game. Returns the ranking if the news contains one.
    fn spread(&self, news: Vec<News>) -> Option<Ranking> {
        if news.is_empty() || !self.ownership.is_current() {
            return None;
        }
        let mut over = None;
        for news in news {
            match news {
                News::Down(event) => self.tell(&event),
                News::Gone(event) => self.tell(&event),
                News::Over(event) => {
                    self.tell(&event);
                    over = Some(event);
                }
                News::Phase(event) => self.tell(&event),
                News::Player(event) => self.tell(&event),
                News::Scores(scores) => self.tell(&Scores(scores)),
                News::Spectators(count) => self.tell(&Spectators(count)),
                News::Up(event) => self.tell(&event),
            }
        }
        over
    }

    fn tell(&self, event: &impl ServerEvent) {
        if let Err(error) = self.hub.to(room_of(&self.room)).emit_event(event) {
            tracing::error!(%error, "An event could not be sent to a room.");
        }
    }
}

impl State {
    fn leave(&mut self, who: &Who, now: Instant) {
        self.guests.remove(&who.socket);
        self.game.leave(&who.user, who.socket, now);
    }

    /// Removes the clients whose nodes have not mentioned them for [`MAX_CHECKS`] checks.
    fn check(&mut self, now: Instant) {
        let gone = self.guests.extract_if(|_, presence| {
            presence.checks += 1;
            presence.checks > MAX_CHECKS
        });
        let gone: Vec<_> =
            gone.map(|(socket, Presence { user, .. })| Who { user, socket }).collect();
        gone.iter().for_each(|who| self.leave(who, now));
    }
}

/// Returns the name of the framework room of a game room.
pub(super) fn room_of(name: &str) -> String {
    format!("game:{name}")
}

/// Maximum number of games that this node runs, which bounds the memory.
const MAX_TABLES: usize = 1_000;

/// Time from one check of the clients to the next one.
const BETWEEN_CHECKS: Duration = Duration::from_secs(3);

/// Number of checks without a word of a client's node, after which the client is gone: 9 to 12 s.
const MAX_CHECKS: u32 = 3;
