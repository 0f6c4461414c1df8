//! Games that this node runs, each with a task that advances it.
//!
//! One node runs the game of a room: the one that owns the name of the room in the cluster. A change of a game is
//! broadcast before the next change, so that all players receive the same news in the same order. A game exists from
//! its first connection until its last connection has left and no round is running, or until this node does not own
//! the room any more. `game` decides what a player keeps after leaving. Start reading at [`RunningGames::answer`].

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant, SystemTime},
};

use doorward::{
    Hub, ServerEvent, SocketId, UserId,
    cluster::Ownership,
    room::Target,
    server::{Clock, Entropy},
};
use tokio::sync::Notify;

use super::{
    call::{Call, ClientId, Guest, Reply},
    game::{Full, Game, News},
    top::Top,
    wire::{Ranking, Scores, Spectators},
};
use crate::{
    application::{NamedUser, Services},
    lock::lock,
};

/// The games, and the services that they share.
pub(super) struct RunningGames {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) top: Arc<Top>,
    pub(super) round: Duration,
    /// Games by the name of their room. The lock is held while clients enter, and while an empty game is removed.
    games: Mutex<HashMap<Box<str>, Arc<RunningGame>>>,
}

/// Game of a room, with its clients.
struct RunningGame {
    room: Box<str>,
    /// Number of the game.
    number: u64,
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
    guests: HashMap<SocketId, Present>,
}

/// Client in a game.
struct Present {
    user: UserId,
    /// Number of checks since its node has said that it is there.
    missed_checks: u32,
}

impl RunningGames {
    pub(super) fn new(services: &Services) -> Self {
        Self {
            clock: Arc::clone(&services.clock),
            entropy: Arc::clone(&services.entropy),
            top: Arc::new(Top(services.database.clone())),
            round: services.round,
            games: Mutex::default(),
        }
    }

    /// Answers a call, if this node runs the game of the room.
    pub(super) fn answer(&self, room: &str, call: &Call) -> Option<Reply> {
        // Lock order: games before the state of a game, here and in `ends`.
        let games = lock(&self.games);
        let running = games.get(room).filter(|running| running.ownership.is_current())?;
        if call.enters() {
            // The list is locked meanwhile, so that the game cannot be removed as empty.
            return Some(running.answer(call, self.clock.now()));
        }
        let running = Arc::clone(running);
        drop(games);
        Some(running.answer(call, self.clock.now()))
    }

    /// Begins a game with the clients who enter, unless it has begun meanwhile.
    pub(super) fn begin(
        self: &Arc<Self>,
        hub: &Hub<NamedUser>,
        room: &str,
        ownership: Ownership,
        call: &Call,
    ) -> Reply {
        let mut games = lock(&self.games);
        if let Some(running) = games.get(room).filter(|running| running.ownership.is_current()) {
            return running.answer(call, self.clock.now());
        }
        if games.len() >= MAX_GAMES && !games.contains_key(room) {
            return Reply::TooManyRooms;
        }
        let running = Arc::new(RunningGame {
            room: room.into(),
            number: ownership.number(),
            hub: hub.clone(),
            ownership,
            state: Mutex::new(State { game: Game::new(self.round), guests: HashMap::new() }),
            changed: Notify::new(),
        });
        games.insert(room.into(), Arc::clone(&running));
        tokio::spawn(Arc::clone(self).run(Arc::clone(&running)));
        running.answer(call, self.clock.now())
    }

    /// Advances a game until it ends, or until another node may run it.
    async fn run(self: Arc<Self>, running: Arc<RunningGame>) {
        let mut check_at = self.clock.now() + BETWEEN_CHECKS;
        while !self.ends(&running) {
            let deadline = running.lock().game.deadline().map_or(check_at, |due| due.min(check_at));
            // `Notify` keeps one permit, so a change after the deadline was read is not missed.
            tokio::select! {
                () = self.clock.sleep_until(deadline) => {}
                () = running.changed.notified() => {}
                () = running.ownership.ended() => {}
            }
            let now = self.clock.now();
            if now >= check_at {
                check_at = now + BETWEEN_CHECKS;
                running.change(now, |state, now| state.check(now));
            }
            if let Some(ranking) = running.advance(now, &*self.entropy) {
                // The game does not wait for the database.
                let (top, wall) = (Arc::clone(&self.top), self.clock.wall());
                tokio::spawn(store(Arc::clone(&running), top, ranking, wall));
            }
        }
    }

    /// Removes the game if it is empty and no round is running, or if this node does not own the room any more. Returns
    /// `true` if it was removed. The lock on the games prevents clients from entering meanwhile.
    fn ends(&self, running: &Arc<RunningGame>) -> bool {
        let mut games = lock(&self.games);
        let is_over = !running.ownership.is_current() || running.lock().game.is_over();
        // This node may have begun another game for the room, after it was not the owner for some time.
        if is_over && games.get(&*running.room).is_some_and(|current| Arc::ptr_eq(current, running))
        {
            games.remove(&*running.room);
        }
        is_over
    }
}

impl RunningGame {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn answer(&self, call: &Call, now: Instant) -> Reply {
        match call {
            Call::Enter(guest) => {
                match self.change(now, |state, now| self.enter(state, guest, now)) {
                    Ok(()) => Reply::Entered(self.number),
                    Err(Full) => Reply::Full,
                }
            }
            Call::Leave(client) => {
                self.change(now, |state, now| state.leave(client, now));
                Reply::Done
            }
            Call::Stay(guests) => {
                self.change(now, |state, now| self.stay(state, guests, now));
                Reply::Entered(self.number)
            }
            Call::Start(ClientId { user, socket }) => {
                if self.change(now, |state, now| state.game.start(user, *socket, now)) {
                    Reply::Done
                } else {
                    Reply::Forbidden
                }
            }
            Call::Strike(ClientId { user, socket }, strike) => Reply::Struck(
                self.change(now, |state, now| state.game.strike(user, *socket, *strike, now)),
            ),
        }
    }

    /// Lets a client enter, and sends it the state of the room.
    fn enter(&self, state: &mut State, guest: &Guest, now: Instant) -> Result<(), Full> {
        state.enter(guest)?;
        self.tell_state(state, &[guest], now);
        Ok(())
    }

    /// Keeps clients in the room. Those that the game does not know enter, unless the room is full: the game has begun
    /// without them.
    fn stay(&self, state: &mut State, guests: &[Guest], now: Instant) {
        let mut entered = Vec::new();
        for guest in guests {
            if let Some(present) = state.guests.get_mut(&guest.client.socket) {
                present.missed_checks = 0;
            } else if !state.is_here(&guest.client.user) && state.enter(guest).is_ok() {
                entered.push(guest);
            }
        }
        self.tell_state(state, &entered, now);
    }

    /// Sends the state of the room to clients who have entered. Later changes are sent after this event. Players and
    /// spectators receive one event each, because thousands may enter at once.
    fn tell_state(&self, state: &State, guests: &[&Guest], now: Instant) {
        for watches in [false, true] {
            let chosen = || guests.iter().filter(|guest| guest.watch == watches);
            let Some(Guest { client: ClientId { user, socket }, .. }) = chosen().next() else {
                continue;
            };
            let event = state.game.state(&self.room, user, *socket, now);
            // A user has one connection. The channel of a user reaches only the node of this connection.
            let users = chosen().map(|guest| Target::User(guest.client.user.clone()));
            if let Err(error) = self.hub.to_each(users).emit_event(&event) {
                tracing::error!(%error, "The state of a room could not be sent.");
            }
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
    fn enter(&mut self, guest: &Guest) -> Result<(), Full> {
        let Guest { client: ClientId { user, socket }, name, watch } = guest;
        if *watch {
            self.game.watch(user, *socket)?;
        } else {
            self.game.join(user, name, *socket)?;
        }
        self.guests.insert(*socket, Present { user: user.clone(), missed_checks: 0 });
        Ok(())
    }

    fn leave(&mut self, client: &ClientId, now: Instant) {
        self.guests.remove(&client.socket);
        self.game.leave(&client.user, client.socket, now);
    }

    fn is_here(&self, wanted: &UserId) -> bool {
        self.guests.values().any(|present| present.user == *wanted)
    }

    /// Removes the clients whose nodes have not mentioned them for [`MAX_CHECKS`] checks.
    fn check(&mut self, now: Instant) {
        let gone = self.guests.extract_if(|_, present| {
            present.missed_checks += 1;
            present.missed_checks > MAX_CHECKS
        });
        let gone: Vec<_> =
            gone.map(|(socket, present)| ClientId { user: present.user, socket }).collect();
        gone.iter().for_each(|client| self.leave(client, now));
    }
}

/// Stores the ranking of a round, and tells the room the best scores.
async fn store(running: Arc<RunningGame>, top: Arc<Top>, ranking: Ranking, now: SystemTime) {
    match top.add(&ranking.0, now).await {
        Ok(top) if running.ownership.is_current() => running.tell(&top),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "The scores of a round could not be stored."),
    }
}

/// Returns the name of the framework room of a game room.
pub(super) fn room_of(name: &str) -> String {
    format!("game:{name}")
}

/// Maximum number of games that this node runs, which bounds the memory.
const MAX_GAMES: usize = 1_000;

/// Time from one check of the clients to the next one.
const BETWEEN_CHECKS: Duration = Duration::from_secs(3);

/// Number of checks without a word of a client's node, after which the client is gone: 9 to 12 s.
const MAX_CHECKS: u32 = 3;
