//! Rooms, each with its game and a task that advances the game.
//!
//! A change of a game is broadcast before the next change, so that all players receive the same news in the same
//! order. A room exists from its first connection until its last connection has left and no round is running.
//! `game` decides what a player keeps after leaving. Start reading at [`Tables::enter`].

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use doorward::{
    Hub, ServerEvent,
    server::{Clock, Entropy},
};
use tokio::sync::Notify;

use super::{
    game::{Game, News},
    top::Top,
    wire::{Ranking, Scores, Spectators},
};
use crate::{
    application::{NamedUser, Services},
    lock::lock,
};

/// The rooms, and the services that they share.
pub(super) struct Tables {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) top: Top,
    pub(super) round: Duration,
    /// Rooms by name. The lock is held while a client enters, and while an empty room is removed.
    rooms: Mutex<HashMap<Box<str>, Arc<Table>>>,
}

/// Room with its game.
pub(super) struct Table {
    pub(super) name: Box<str>,
    hub: Hub<NamedUser>,
    /// Game of the room. The lock is held for one change and the broadcast of its news. A change that has panicked
    /// has sent no news, so the game can continue.
    game: Mutex<Game>,
    /// Wakes the task of the room after a change. The next event may now be due earlier, or the room may be empty.
    changed: Notify,
}

impl Tables {
    pub(super) fn new(services: &Services, top: Top) -> Arc<Self> {
        Arc::new(Self {
            clock: Arc::clone(&services.clock),
            entropy: Arc::clone(&services.entropy),
            top,
            round: services.round,
            rooms: Mutex::default(),
        })
    }

    /// Finds or creates a room, and runs `enter` with its game. Returns `None` if there are too many rooms.
    pub(super) fn enter<T>(
        self: &Arc<Self>,
        name: &str,
        hub: &Hub<NamedUser>,
        enter: impl FnOnce(&mut Game, Instant) -> T,
    ) -> Option<(Arc<Table>, T)> {
        // Lock order: rooms before game, here and in `ends`. The list is locked until the client has entered, so that
        // the room cannot be removed as empty in between.
        let mut rooms = lock(&self.rooms);
        let table = match rooms.get(name) {
            Some(table) => Arc::clone(table),
            None if rooms.len() >= MAX_ROOMS => return None,
            None => {
                let table = Arc::new(Table {
                    name: name.into(),
                    hub: hub.clone(),
                    game: Mutex::new(Game::new(self.round)),
                    changed: Notify::new(),
                });
                rooms.insert(name.into(), Arc::clone(&table));
                tokio::spawn(Arc::clone(self).run(Arc::clone(&table)));
                table
            }
        };
        let entered = table.change(self.clock.now(), enter);
        Some((table, entered))
    }

    /// Advances the game of a room until the room ends.
    async fn run(self: Arc<Self>, table: Arc<Table>) {
        while !self.ends(&table) {
            let deadline = lock(&table.game).deadline();
            let due = async {
                match deadline {
                    Some(deadline) => self.clock.sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            // `Notify` keeps one permit, so a change after the deadline was read is not missed.
            tokio::select! {
                () = due => {}
                () = table.changed.notified() => {}
            }
            let ranking = table.advance(self.clock.now(), &*self.entropy);
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

    /// Removes the room if it is empty and no round is running. Returns `true` if it was removed. The lock on the
    /// rooms prevents clients from entering meanwhile.
    fn ends(&self, table: &Table) -> bool {
        let mut rooms = lock(&self.rooms);
        let is_over = lock(&table.game).is_over();
        if is_over {
            rooms.remove(&table.name);
        }
        is_over
    }
}

impl Table {
    /// Changes the game, and broadcasts the news.
    pub(super) fn change<T>(
        &self,
        now: Instant,
        change: impl FnOnce(&mut Game, Instant) -> T,
    ) -> T {
        let mut game = lock(&self.game);
        let before = game.deadline();
        let result = change(&mut game, now);
        // Broadcast while the game is locked, so that the news is sent in the order of the changes. Sending never waits.
        self.spread(game.news());
        if game.deadline() != before || game.is_over() {
            self.changed.notify_one();
        }
        result
    }

    /// Processes events that are due, and returns the ranking of a round that has ended.
    fn advance(&self, now: Instant, entropy: &dyn Entropy) -> Option<Ranking> {
        let mut game = lock(&self.game);
        game.tick(now, entropy);
        self.spread(game.news())
    }

    /// Broadcasts the news. Returns the ranking if the news contains one.
    fn spread(&self, news: Vec<News>) -> Option<Ranking> {
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
        if let Err(error) = self.hub.to(room_of(&self.name)).emit_event(event) {
            tracing::error!(%error, "An event could not be sent to a room.");
        }
    }
}

/// Returns the name of the framework room of a game room.
pub(super) fn room_of(name: &str) -> String {
    format!("game:{name}")
}

/// Maximum number of rooms, which bounds the memory.
const MAX_ROOMS: usize = 1_000;
