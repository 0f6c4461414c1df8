//! Tests each rule at its limits, with a manual clock.

use std::cell::Cell;

use super::{
    strike::{FASTEST, MAX_STRIKES},
    *,
};

/// Draws the numbers 0, 1, 2 and so on.
#[derive(Default)]
struct Counting(std::sync::Mutex<Cell<u32>>);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let counter = self.0.lock().unwrap();
        bytes.copy_from_slice(&counter.get().to_ne_bytes());
        counter.set(counter.get() + 1);
    }
}

/// Room with a manual clock.
struct Room {
    game: Game,
    sockets: BTreeMap<String, SocketId>,
    now: Instant,
    entropy: Counting,
}

impl Room {
    fn new() -> Self {
        let now = doorward::server::Clock::now(&doorward::test::ManualClock::new());
        Self {
            game: Game::new(Duration::from_secs(60)),
            sockets: BTreeMap::new(),
            now,
            entropy: Counting::default(),
        }
    }

    /// Starts a round with these players.
    fn playing(names: &[&str]) -> Self {
        let mut room = Self::new();
        for name in names {
            room.join(name);
        }
        assert!(room.start(names[0]));
        room.wait(COUNTDOWN);
        room.game.news();
        room
    }

    fn join(&mut self, name: &str) -> SocketId {
        let socket = SocketId::generate(&doorward::server::OsEntropy);
        self.game.join(&UserId::new(name), name, socket).unwrap();
        self.sockets.insert(name.to_owned(), socket);
        socket
    }

    /// Returns the connection of a user, or a new one if the user has none.
    fn socket(&self, name: &str) -> SocketId {
        let any = || SocketId::generate(&doorward::server::OsEntropy);
        self.sockets.get(name).copied().unwrap_or_else(any)
    }

    fn start(&mut self, name: &str) -> bool {
        self.game.start(&UserId::new(name), self.socket(name), self.now)
    }

    fn leave(&mut self, name: &str) {
        self.game.leave(&UserId::new(name), self.socket(name), self.now);
    }

    /// Advances the clock, and processes each event when it is due.
    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(deadline) = self.game.deadline().filter(|deadline| *deadline <= end) {
            self.now = deadline;
            self.game.tick(self.now, &self.entropy);
        }
        self.now = end;
    }

    /// Waits until the next mole is up and a player can have seen it.
    fn mole(&mut self) -> Strike {
        self.game.news();
        loop {
            let deadline = self.game.deadline().unwrap();
            self.wait(deadline - self.now);
            let up = self.game.news().into_iter().find_map(|news| match news {
                News::Up(mole) => Some(Strike { hole: mole.hole, mole: Some(mole.mole) }),
                _ => None,
            });
            if let Some(strike) = up {
                self.wait(Duration::from_millis(300));
                return strike;
            }
        }
    }

    fn strike(&mut self, name: &str, strike: Strike) -> Result<Hit, Miss> {
        self.game.strike(&UserId::new(name), self.socket(name), strike, self.now)
    }

    fn score(&self, name: &str) -> (u32, u32) {
        let player = &self.game.players[&UserId::new(name)];
        (player.score, player.combo)
    }

    fn misses(&self, name: &str) -> u32 {
        self.game.players[&UserId::new(name)].misses
    }
}

#[test]
fn every_player_hits_every_mole_once() {
    let mut room = Room::playing(&["ann", "bob"]);
    let mole = room.mole();

    let (ann, bob) = (room.strike("ann", mole).unwrap(), room.strike("bob", mole).unwrap());

    assert_eq!((ann.score, bob.score), (ann.points, bob.points));
    assert_eq!(room.strike("ann", mole), Err(Miss::Twice));
    assert_eq!((room.score("ann"), room.misses("ann")), ((ann.score, 1), 1));
}

#[test]
fn who_is_quicker_gets_more() {
    let mut room = Room::playing(&["ann", "bob"]);
    let mole = room.mole();

    let quick = room.strike("ann", mole).unwrap().points;
    room.wait(Duration::from_millis(400));
    let slow = room.strike("bob", mole).unwrap().points;

    assert!(quick > slow && slow >= 10, "{quick} {slow}");
}

#[test]
fn moles_in_a_row_are_worth_more_and_one_that_is_let_pass_ends_the_row() {
    let mut room = Room::playing(&["ann"]);
    for combo in 1..=3 {
        let mole = room.mole();
        assert_eq!(room.strike("ann", mole).unwrap().combo, combo);
    }

    room.wait(STAYS * 2);

    assert_eq!(room.score("ann").1, 0);
}

/// A strike in the wrong place changes nothing, and neither does a strike that no honest player can
/// make.
#[test]
fn what_is_no_hit_changes_nothing_and_is_counted() {
    let mut room = Room::playing(&["ann"]);
    let mole = room.mole();
    room.strike("ann", mole).unwrap();
    let before = room.score("ann");
    let next = room.game.next_mole;
    let other_hole = mole.hole % HOLES + 1;

    let cases = [
        (Strike { mole: None, ..mole }, Miss::Empty),
        (Strike { hole: other_hole, ..mole }, Miss::Empty),
        (Strike { mole: Some(next), ..mole }, Miss::Empty),
        (mole, Miss::Twice),
    ];
    for (index, (strike, why)) in cases.into_iter().enumerate() {
        assert_eq!(room.strike("ann", strike), Err(why));
        assert_eq!((room.score("ann"), room.misses("ann") as usize), (before, index + 1));
    }
}

#[test]
fn a_mole_that_is_gone_cannot_be_hit() {
    let mut room = Room::playing(&["ann"]);
    let mole = room.mole();
    let down = room.game.moles[0].down;

    // The room has not yet been told that the mole is down, but the strike is too late.
    room.now = down;
    assert_eq!(room.strike("ann", mole), Err(Miss::Past));
    room.wait(Duration::ZERO);
    assert_eq!(room.strike("ann", mole), Err(Miss::Past));
    assert_eq!(room.score("ann"), (0, 0));
}

#[test]
fn a_strike_faster_than_a_human_reaction_is_a_miss() {
    let mut room = Room::playing(&["ann"]);
    let mole = room.mole();
    let up = room.game.moles[0].up;

    room.now = up + FASTEST - Duration::from_millis(1);
    assert_eq!(room.strike("ann", mole), Err(Miss::TooFast));
    room.now = up + FASTEST;
    assert!(room.strike("ann", mole).is_ok());
}

#[test]
fn who_strikes_everywhere_at_once_hits_nothing() {
    let mut room = Room::playing(&["ann", "bob"]);
    let mole = room.mole();
    for _ in 0..MAX_STRIKES {
        room.strike("ann", Strike { mole: None, ..mole }).unwrap_err();
    }

    assert_eq!(room.strike("ann", mole), Err(Miss::Flood));
    // Other players can continue, and so can ann a second later.
    assert!(room.strike("bob", mole).is_ok());
    let mole = room.mole();
    room.wait(Duration::from_secs(1));
    let later = room.mole();
    assert_ne!(mole.mole, later.mole);
    assert!(room.strike("ann", later).is_ok());
}

#[test]
fn only_a_round_has_hits() {
    let mut room = Room::new();
    room.join("ann");
    let strike = Strike { hole: 1, mole: Some(1) };
    assert_eq!(room.strike("ann", strike), Err(Miss::NotPlaying));

    assert!(!room.start("bob"), "he does not play");
    assert!(room.start("ann"));
    assert!(!room.start("ann"), "it has begun");
    assert_eq!(room.strike("ann", strike), Err(Miss::NotPlaying));
    room.wait(COUNTDOWN);

    let mole = room.mole();
    assert_eq!(room.strike("bob", mole), Err(Miss::NotPlaying));
    assert!(room.strike("ann", mole).is_ok());
}

#[test]
fn a_round_lasts_its_time_and_is_followed_by_another() {
    let mut room = Room::playing(&["bob", "ann"]);
    let mole = room.mole();
    let hit = room.strike("ann", mole).unwrap();
    room.strike("bob", Strike { mole: None, ..mole }).unwrap_err();
    room.wait(Duration::from_secs(61));

    let over = room.game.news().into_iter().find_map(|news| match news {
        News::Over(ranking) => Some(ranking.0),
        _ => None,
    });
    let over = over.unwrap();
    let rows: Vec<_> =
        over.iter().map(|row| (&*row.name, row.score, row.hits, row.misses)).collect();
    assert_eq!(rows, [("ann", hit.score, 1, 0), ("bob", 0, 0, 1)]);
    assert_eq!(room.game.deadline(), None);
    assert!(room.start("bob"));
    assert_eq!((room.score("ann"), room.misses("bob")), ((0, 0), 0));
}

#[test]
fn moles_come_up_in_free_holes_and_ever_more_quickly() {
    let mut room = Room::playing(&["ann"]);
    let mut taken: Vec<MoleUp> = Vec::new();
    let mut stays = Vec::new();
    while let Some(deadline) = room.game.deadline() {
        room.wait(deadline - room.now);
        for news in room.game.news() {
            match news {
                News::Up(mole) => {
                    assert!((1..=HOLES).contains(&mole.hole));
                    assert!(taken.iter().all(|other| other.hole != mole.hole));
                    taken.push(mole);
                    stays.push(mole.down_in);
                    assert!(taken.len() <= MAX_MOLES);
                }
                News::Down(mole) => taken.retain(|other| other.mole != mole.mole),
                _ => {}
            }
        }
    }

    assert!(stays.len() > 40, "{}", stays.len());
    assert!(stays.is_sorted_by(|a, b| a >= b));
    assert!(stays[0] > STAYS.mul_f32(0.9) && stays[stays.len() - 1] < STAYS.mul_f32(0.6));
}

#[test]
fn who_comes_back_in_a_round_goes_on_and_who_does_not_is_gone_behind_it() {
    let mut room = Room::playing(&["ann", "bob"]);
    let mole = room.mole();
    let hit = room.strike("ann", mole).unwrap();
    let first = room.socket("ann");

    // The new connection joins before the server notices the end of the old one.
    room.join("ann");
    room.game.leave(&UserId::new("ann"), first, room.now);
    assert!(room.game.players[&UserId::new("ann")].socket.is_some());
    assert_eq!(room.score("ann").0, hit.score);

    room.leave("bob");
    assert!(room.game.players.contains_key(&UserId::new("bob")));
    room.wait(Duration::from_secs(61));
    assert!(!room.game.players.contains_key(&UserId::new("bob")));
}

#[test]
fn scores_that_change_together_are_told_together() {
    let mut room = Room::playing(&["ann", "bob"]);
    let mole = room.mole();
    room.strike("ann", mole).unwrap();
    room.strike("bob", mole).unwrap();
    room.game.news();

    room.wait(BETWEEN_SCORES);

    let told: Vec<_> = room.game.news().into_iter().collect();
    let [News::Scores(scores)] = &*told else { panic!("{} pieces of news", told.len()) };
    assert_eq!(scores.len(), 2);
}

#[test]
fn a_room_has_so_many_players_and_spectators() {
    let mut room = Room::new();
    for number in 0..MAX_PLAYERS {
        room.join(&format!("player-{number}"));
    }
    let socket = || SocketId::generate(&doorward::server::OsEntropy);
    for _ in 0..MAX_SPECTATORS {
        room.game.watch(&UserId::new("eve"), socket()).unwrap();
    }

    assert!(room.game.join(&UserId::new("late"), "late", socket()).is_err());
    assert!(room.game.watch(&UserId::new("eve"), socket()).is_err());
    // A user who already plays can join with another connection.
    room.join("player-7");
}

#[test]
fn who_only_watches_does_not_play_any_more() {
    let mut room = Room::playing(&["ann", "bob"]);
    let mole = room.mole();
    let ann = room.socket("ann");
    room.strike("ann", mole).unwrap();

    room.game.watch(&UserId::new("ann"), ann).unwrap();

    let next = room.mole();
    assert_eq!(room.strike("ann", next), Err(Miss::NotPlaying));
    assert!(!room.game.state("one", &UserId::new("ann"), ann, room.now).playing);
    // When ann joins again, she keeps her score, and is no longer a spectator.
    room.game.join(&UserId::new("ann"), "ann", ann).unwrap();
    assert!(room.game.spectators.is_empty());
    let next = room.mole();
    assert!(room.strike("ann", next).unwrap().score > 20);
}

/// A user who starts rounds in many rooms leaves no running rounds behind.
#[test]
fn a_round_without_connections_ends_soon_and_a_reload_loses_nothing() {
    let mut room = Room::playing(&["ann"]);
    let mole = room.mole();
    let hit = room.strike("ann", mole).unwrap();

    room.leave("ann");
    room.wait(DESERTED - Duration::from_millis(1));
    room.join("ann");
    assert_eq!(room.score("ann").0, hit.score);

    room.leave("ann");
    room.wait(DESERTED);
    assert!(room.game.is_over());
    assert_eq!(room.game.deadline(), None);
}
