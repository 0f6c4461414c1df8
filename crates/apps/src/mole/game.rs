//! The rules of the game in one room.
//!
//! The game depends only on time and randomness. It takes both as arguments, and returns news for the room. It
//! never waits, sends or stores. Strikes are judged by the clock of the server (`strike`). A miss changes only a
//! counter. Start reading at [`Game::strike`].

pub(super) mod strike;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::{Duration, Instant},
};

use doorward::{SocketId, UserId, server::Entropy};
use strike::{Miss, Mole, Pace, aim, worth};

use super::wire::{
    Hit, MoleDown, MoleUp, PhaseChanged, Player, PlayerGone, Ranked, Ranking, Score, State, Strike,
};

/// State of the game in one room.
#[derive(Default)]
pub(super) struct Game {
    round: Duration,
    phase: Phase,
    players: BTreeMap<UserId, Playing>,
    spectators: HashSet<SocketId>,
    moles: Vec<Mole>,
    next_mole: u32,
    /// Users whose scores have changed since the last broadcast of scores.
    changed: BTreeSet<UserId>,
    /// Time of the next broadcast of scores. `None` if no score has changed.
    tell_at: Option<Instant>,
    /// Time at which the last connection has left the room. `None` while there are connections.
    deserted_at: Option<Instant>,
    news: Vec<News>,
}

#[derive(Clone, Copy, Default)]
enum Phase {
    #[default]
    Waiting,
    Countdown {
        until: Instant,
    },
    Playing {
        since: Instant,
        until: Instant,
        next_up: Instant,
    },
    Over,
}

/// State of one player. During a round, a player without a connection remains in the game.
struct Playing {
    name: Box<str>,
    socket: Option<SocketId>,
    score: u32,
    combo: u32,
    hits: u32,
    misses: u32,
    pace: Pace,
}

/// News to broadcast to the room.
pub(super) enum News {
    Down(MoleDown),
    Gone(PlayerGone),
    Over(Ranking),
    Phase(PhaseChanged),
    Player(Player),
    Scores(Vec<Score>),
    Spectators(usize),
    Up(MoleUp),
}

/// Error: the room is full.
#[derive(Debug)]
pub(super) struct Full;

impl Game {
    pub(super) fn new(round: Duration) -> Self {
        Self { round, next_mole: 1, ..Self::default() }
    }

    /// Adds a player. A user who has already played in the current round continues with the same score. A spectator
    /// becomes a player. Fails if the room has the maximum number of players.
    pub(super) fn join(&mut self, user: &UserId, name: &str, socket: SocketId) -> Result<(), Full> {
        if self.players.len() >= MAX_PLAYERS && !self.players.contains_key(user) {
            return Err(Full);
        }
        self.stop_watching(socket);
        self.players.entry(user.clone()).or_insert_with(|| Playing::new(name)).socket =
            Some(socket);
        self.deserted_at = None;
        self.tell_player(user);
        Ok(())
    }

    /// Adds a spectator. A player becomes a spectator. Fails if the room has the maximum number of spectators.
    pub(super) fn watch(&mut self, user: &UserId, socket: SocketId) -> Result<(), Full> {
        if self.spectators.len() >= MAX_SPECTATORS && !self.spectators.contains(&socket) {
            return Err(Full);
        }
        self.stop_playing(user, socket);
        self.spectators.insert(socket);
        self.deserted_at = None;
        self.news.push(News::Spectators(self.spectators.len()));
        Ok(())
    }

    /// Removes a connection from the room.
    pub(super) fn leave(&mut self, user: &UserId, socket: SocketId, now: Instant) {
        self.stop_watching(socket);
        self.stop_playing(user, socket);
        if self.spectators.is_empty() && self.players.values().all(|player| player.socket.is_none())
        {
            self.deserted_at = Some(now);
        }
    }

    fn stop_watching(&mut self, socket: SocketId) {
        if self.spectators.remove(&socket) {
            self.news.push(News::Spectators(self.spectators.len()));
        }
    }

    fn stop_playing(&mut self, user: &UserId, socket: SocketId) {
        // A newer connection of the user may already be playing.
        if !self.is_playing(user, socket) {
            return;
        }
        if let Some(player) = self.players.get_mut(user) {
            player.socket = None;
        }
        if self.is_running() {
            self.tell_player(user);
        } else {
            self.players.remove(user);
            self.news.push(News::Gone(PlayerGone { user: user.clone() }));
        }
    }

    /// Returns `true` if the user plays with this connection.
    fn is_playing(&self, user: &UserId, socket: SocketId) -> bool {
        self.players.get(user).is_some_and(|player| player.socket == Some(socket))
    }

    /// Starts the countdown, and returns `true`. Returns `false` if a round is running or the user does not play
    /// with this connection.
    pub(super) fn start(&mut self, user: &UserId, socket: SocketId, now: Instant) -> bool {
        if self.is_running() || !self.is_playing(user, socket) {
            return false;
        }
        for player in self.players.values_mut() {
            *player = Playing { socket: player.socket, ..Playing::new(&player.name) };
        }
        self.changed.extend(self.players.keys().cloned());
        self.tell_scores();
        self.enter(Phase::Countdown { until: now + COUNTDOWN }, now);
        true
    }

    /// Judges a strike of a user at time `now`. Returns the points of a hit, or the reason for a miss.
    pub(super) fn strike(
        &mut self,
        user: &UserId,
        socket: SocketId,
        strike: Strike,
        now: Instant,
    ) -> Result<Hit, Miss> {
        let Phase::Playing { since, until, .. } = self.phase else { return Err(Miss::NotPlaying) };
        let player = self.players.get_mut(user).filter(|player| player.socket == Some(socket));
        let player = player.ok_or(Miss::NotPlaying)?;
        let is_flood = player.pace.is_flood(now.saturating_duration_since(since));
        let mole = if is_flood {
            Err(Miss::Flood)
        } else if now >= until {
            Err(Miss::Past)
        } else {
            aim(&mut self.moles, self.next_mole, user, strike, now)
        };
        let mole = mole.inspect_err(|_| player.misses += 1)?;
        mole.hit_by.insert(user.clone());
        let points = worth(mole, player.combo, now);
        player.hits += 1;
        player.combo += 1;
        player.score += points;
        let hit = Hit { points, score: player.score, combo: player.combo };
        self.changed.insert(user.clone());
        self.tell_at.get_or_insert(now + BETWEEN_SCORES);
        Ok(hit)
    }

    /// Returns the time at which [`tick`](Self::tick) is due. Returns `None` if nothing will happen.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let phase = match self.phase {
            Phase::Waiting | Phase::Over => None,
            Phase::Countdown { until } => Some(until),
            Phase::Playing { until, next_up, .. } => Some(until.min(next_up)),
        };
        let down = self.moles.iter().map(|mole| mole.down);
        let deserted = self.deserted_at.map(|since| since + DESERTED);
        down.chain(phase).chain(self.tell_at).chain(deserted).min()
    }

    /// Processes all events that are due at time `now`.
    pub(super) fn tick(&mut self, now: Instant, entropy: &dyn Entropy) {
        if self.deserted_at.is_some_and(|since| now >= since + DESERTED) {
            *self = Self::new(self.round);
        }
        self.moles_go_down(now);
        match self.phase {
            Phase::Countdown { until } if now >= until => {
                let until = now + self.round;
                self.enter(Phase::Playing { since: now, until, next_up: now + FIRST_MOLE }, now);
            }
            Phase::Playing { until, .. } if now >= until => self.finish(now),
            Phase::Playing { since, until, next_up } if now >= next_up => {
                let next_up = now + self.mole_comes_up(since, now, entropy);
                self.phase = Phase::Playing { since, until, next_up };
            }
            _ => {}
        }
        if self.tell_at.is_some_and(|tell_at| now >= tell_at) {
            self.tell_scores();
        }
    }

    /// Takes the news since the last call, in order.
    pub(super) fn news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// Returns the full state for a client that enters.
    pub(super) fn state(&self, room: &str, user: &UserId, socket: SocketId, now: Instant) -> State {
        State {
            room: room.to_owned(),
            phase: self.phase(now),
            moles: self.moles.iter().map(|mole| mole.up_at(now)).collect(),
            players: self.players.iter().map(|(user, player)| player.shown(user)).collect(),
            spectators: self.spectators.len(),
            playing: self.is_playing(user, socket),
        }
    }

    /// Returns `true` if the room is empty and no round is running.
    pub(super) fn is_over(&self) -> bool {
        self.players.is_empty() && self.spectators.is_empty() && !self.is_running()
    }

    fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Countdown { .. } | Phase::Playing { .. })
    }

    fn enter(&mut self, phase: Phase, now: Instant) {
        self.phase = phase;
        self.news.push(News::Phase(self.phase(now)));
    }

    fn phase(&self, now: Instant) -> PhaseChanged {
        let (phase, until) = match self.phase {
            Phase::Waiting => ("waiting", None),
            Phase::Countdown { until } => ("countdown", Some(until)),
            Phase::Playing { until, .. } => ("playing", Some(until)),
            Phase::Over => ("over", None),
        };
        PhaseChanged { phase, ends_in: until.map(|until| until.saturating_duration_since(now)) }
    }

    fn mole_comes_up(&mut self, since: Instant, now: Instant, entropy: &dyn Entropy) -> Duration {
        let free: Vec<u8> =
            (1..=HOLES).filter(|hole| self.moles.iter().all(|mole| mole.hole != *hole)).collect();
        let done = now.saturating_duration_since(since).div_duration_f32(self.round).min(1.0);
        let stays = STAYS.mul_f32(1.0 - done / 2.0);
        if let Some(&hole) = free.get(draw(entropy, free.len()))
            && self.moles.len() < MAX_MOLES
        {
            let (number, down) = (self.next_mole, now + stays);
            self.next_mole += 1;
            let mole = Mole { number, hole, up: now, down, hit_by: HashSet::new() };
            self.news.push(News::Up(mole.up_at(now)));
            self.moles.push(mole);
        }
        // The time until the next mole is random, between half and all of the time that a mole is up, so that
        // players cannot learn a rhythm.
        #[expect(clippy::cast_precision_loss, reason = "it is below a hundred")]
        let beat = 0.5 + draw(entropy, 100) as f32 / 200.0;
        stays.mul_f32(beat)
    }

    /// Removes the moles whose time is over. The combo of each player who has not hit such a mole ends.
    fn moles_go_down(&mut self, now: Instant) {
        for mole in self.moles.extract_if(.., |mole| now >= mole.down) {
            self.news.push(News::Down(MoleDown { mole: mole.number, hole: mole.hole }));
            for (user, player) in &mut self.players {
                if player.combo > 0 && !mole.hit_by.contains(user) {
                    player.combo = 0;
                    self.changed.insert(user.clone());
                    self.tell_at.get_or_insert(now + BETWEEN_SCORES);
                }
            }
        }
    }

    fn finish(&mut self, now: Instant) {
        self.moles.clear();
        self.tell_scores();
        let mut ranking: Vec<_> =
            self.players.iter().map(|(user, player)| player.ranked(user)).collect();
        ranking.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.name.cmp(&b.name)));
        self.enter(Phase::Over, now);
        self.news.push(News::Over(Ranking(ranking)));
        // Players without a connection are in the ranking, and are removed after it.
        let gone: Vec<_> =
            self.players.extract_if(.., |_, player| player.socket.is_none()).collect();
        self.news.extend(gone.into_iter().map(|(user, _)| News::Gone(PlayerGone { user })));
    }

    fn tell_player(&mut self, user: &UserId) {
        if let Some(player) = self.players.get(user) {
            self.news.push(News::Player(player.shown(user)));
        }
    }

    fn tell_scores(&mut self) {
        self.tell_at = None;
        let changed = std::mem::take(&mut self.changed);
        let scores = changed.iter().filter_map(|user| Some(self.players.get(user)?.score(user)));
        let scores: Vec<_> = scores.collect();
        if !scores.is_empty() {
            self.news.push(News::Scores(scores));
        }
    }
}

/// Returns a random number below `end`.
fn draw(entropy: &dyn Entropy, end: usize) -> usize {
    let mut bytes = [0; 4];
    entropy.fill(&mut bytes);
    u32::from_ne_bytes(bytes) as usize % end.max(1)
}

impl Playing {
    fn new(name: &str) -> Self {
        let name = name.into();
        Self { name, socket: None, score: 0, combo: 0, hits: 0, misses: 0, pace: Pace::default() }
    }

    fn shown(&self, user: &UserId) -> Player {
        Player { name: self.name.clone(), here: self.socket.is_some(), score: self.score(user) }
    }

    fn score(&self, user: &UserId) -> Score {
        Score { user: user.clone(), score: self.score, combo: self.combo, hits: self.hits }
    }

    fn ranked(&self, user: &UserId) -> Ranked {
        Ranked {
            user: user.clone(),
            name: self.name.clone(),
            score: self.score,
            hits: self.hits,
            misses: self.misses,
        }
    }
}

const HOLES: u8 = 9;
const MAX_MOLES: usize = 3;
const MAX_PLAYERS: usize = 250;
const MAX_SPECTATORS: usize = 1_000;

/// Time for which a round without connections continues, so that a player who reloads the page loses nothing.
/// After that, the round is discarded.
const DESERTED: Duration = Duration::from_secs(10);

const COUNTDOWN: Duration = Duration::from_secs(3);
const FIRST_MOLE: Duration = Duration::from_millis(500);

/// Time for which a mole is up at the start of a round. At the end of a round it is half of this time.
const STAYS: Duration = Duration::from_millis(1600);

/// Interval between broadcasts of scores. Without this interval, a large room would receive hundreds of broadcasts
/// per second.
const BETWEEN_SCORES: Duration = Duration::from_millis(20);
