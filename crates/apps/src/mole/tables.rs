//! The rooms that somebody is in, each with its game and a task that moves it on.
//!
//! Whatever changes a game tells the room before anybody else can change it, so that all read the same news
//! in the same order. A room begins with the first who enters and ends with the last who leaves.
//! Start reading at [`Tables::enter`].

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use doorward::{Clock, Entropy, Hub, ServerEvent};
use tokio::sync::Notify;

use super::{
    game::{Game, News},
    top::Top,
    wire::{Ranking, Scores, Spectators},
};
use crate::application::{NamedUser, Services};

/// What the rooms share.
pub(super) struct Tables {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) top: Top,
    pub(super) round: Duration,
    /// Protects the list of rooms; held while somebody enters, and while an empty room ends.
    rooms: Mutex<HashMap<Box<str>, Arc<Table>>>,
}

/// One room.
pub(super) struct Table {
    pub(super) name: Box<str>,
    hub: Hub<NamedUser>,
    /// Protects the game; held for one change, with the news of it.
    game: Mutex<Game>,
    /// Something may be due earlier than it was.
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

    /// Finds a room, or begins it, and lets somebody in; `None` when there are too many rooms.
    pub(super) fn enter<T>(
        self: &Arc<Self>,
        name: &str,
        hub: &Hub<NamedUser>,
        enter: impl FnOnce(&mut Game, Instant) -> T,
    ) -> Option<(Arc<Table>, T)> {
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

    /// Moves a room on until nobody is in it.
    async fn run(self: Arc<Self>, table: Arc<Table>) {
        while !self.ends(&table) {
            let deadline = lock(&table.game).deadline();
            let due = async {
                match deadline {
                    Some(deadline) => self.clock.sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {}
                () = table.changed.notified() => {}
            }
            let ranking = table.advance(self.clock.now(), &*self.entropy);
            if let Some(ranking) = ranking {
                match self.top.add(&ranking.0, self.clock.wall()).await {
                    Ok(top) => table.tell(&top),
                    Err(error) => tracing::warn!(%error, "The scores of a round are lost."),
                }
            }
        }
    }

    /// Takes an empty room out of the list. Nobody can enter it at this moment.
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
    /// Changes the game, and tells the room what that means.
    pub(super) fn change<T>(
        &self,
        now: Instant,
        change: impl FnOnce(&mut Game, Instant) -> T,
    ) -> T {
        let mut game = lock(&self.game);
        let before = game.deadline();
        let result = change(&mut game, now);
        self.spread(game.news());
        if game.deadline() != before || game.is_over() {
            self.changed.notify_one();
        }
        result
    }

    /// Does what is due, and returns the ranking of a round that is over by that.
    fn advance(&self, now: Instant, entropy: &dyn Entropy) -> Option<Ranking> {
        let mut game = lock(&self.game);
        game.tick(now, entropy);
        self.spread(game.news())
    }

    /// Tells the room, and returns the ranking when it is among the news.
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
            tracing::error!(%error, "A room could not be told.");
        }
    }
}

/// What the framework calls the room of a game.
pub(super) fn room_of(name: &str) -> String {
    format!("game:{name}")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A change that has panicked has told nobody of it; what is left can be played on.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// More rooms than this at once are somebody's attempt to fill the memory.
const MAX_ROOMS: usize = 1_000;
