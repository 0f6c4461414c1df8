//! Bot that plays whack-a-mole like a person. It reacts to a mole after a delay, and ignores some
//! moles.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use doorward::server::{Clock, SystemClock};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use tokio::sync::mpsc;

use super::{
    client::{Client, ClientError, Received},
    latency::Latency,
    random::below,
};

/// One bot that plays.
pub(super) struct Player {
    pub(super) name: String,
    pub(super) room: String,
    /// `true` for the bot that starts rounds if no other player does.
    pub(super) leads: bool,
    /// Times from a strike to the arrival of the new score. The key is the user who has struck, and
    /// the number of the hit.
    pub(super) latency: Arc<Latency<(String, u32)>>,
    /// Channel to which every bot sends the ranking of each round.
    pub(super) rounds: mpsc::Sender<Vec<Ranked>>,
}

/// Row of the ranking.
#[derive(Deserialize)]
pub(super) struct Ranked {
    pub(super) name: String,
    pub(super) score: u32,
    pub(super) hits: u32,
}

#[derive(Deserialize)]
struct MoleUp {
    mole: u32,
    hole: u8,
}

#[derive(Deserialize)]
struct Score {
    user: String,
    hits: u32,
}

#[derive(Deserialize)]
struct Phase {
    phase: String,
}

/// State of a bot in a room.
struct Playing<'a> {
    player: &'a Player,
    /// Reaction time in milliseconds.
    quickness: u64,
    plans: Vec<Plan>,
    /// Id of the pending ack. Before the next strike, a bot waits for the ack and for the end of its
    /// stroke.
    asked: Option<u64>,
    /// Time at which the current stroke ends.
    rested: Instant,
    /// Last known number of hits of each player.
    hits: HashMap<String, u32>,
}

/// A planned action.
struct Plan {
    at: Instant,
    deed: Deed,
}

enum Deed {
    Start,
    Strike(MoleUp),
}

impl Player {
    /// Plays until the connection ends, and returns the reason.
    pub(super) async fn play(&self, client: &mut Client) -> Result<Infallible, ClientError> {
        let mut playing = Playing {
            player: self,
            quickness: 250 + below(350),
            plans: Vec::new(),
            asked: None,
            rested: SystemClock.now(),
            hits: HashMap::new(),
        };
        client.ask("join", json!({ "room": self.room })).await?;
        loop {
            tokio::select! {
                received = client.next() => playing.take(received?).await,
                () = playing.due() => playing.act(client).await?,
            }
        }
    }
}

impl Playing<'_> {
    /// Waits until a plan is due. Never completes while there is no plan or an ack is pending.
    async fn due(&self) {
        match self.plans.iter().map(|plan| plan.at).min() {
            Some(at) if self.asked.is_none() => {
                SystemClock.sleep_until(at.max(self.rested)).await;
            }
            _ => std::future::pending().await,
        }
    }

    async fn act(&mut self, client: &mut Client) -> Result<(), ClientError> {
        let now = SystemClock.now();
        let due = self.plans.iter().position(|plan| plan.at <= now);
        let Some(plan) = due.map(|index| self.plans.swap_remove(index)) else { return Ok(()) };
        let asked = match plan.deed {
            Deed::Start => client.ask("start", ()).await?,
            Deed::Strike(MoleUp { mole, hole }) => {
                let name = self.player.name.clone();
                let hit = self.hits.get(&name).copied().unwrap_or(0) + 1;
                self.player.latency.sent((name, hit), now);
                client.ask("strike", json!({ "hole": hole, "mole": mole })).await?
            }
        };
        self.asked = Some(asked);
        self.rested = now + STROKE;
        Ok(())
    }

    async fn take(&mut self, received: Received) {
        match received {
            Received::Ack(number, _) => self.asked = self.asked.filter(|asked| *asked != number),
            Received::Event(name, arguments) => match name.as_str() {
                "mole_up" => read(&arguments, |mole| self.see(mole)),
                "scores" => read(&arguments, |scores| self.hear(scores)),
                "state" | "phase" => read(&arguments, |phase| self.enter(&phase)),
                "ranking" => {
                    if let Ok((ranking,)) = serde_json::from_str(&arguments) {
                        // The receiver may be closed.
                        drop(self.player.rounds.send(ranking).await);
                    }
                }
                _ => {}
            },
        }
    }

    /// Plans a strike at a mole. The bot ignores one mole in ten.
    fn see(&mut self, mole: MoleUp) {
        if below(10) > 0 {
            let reaction = Duration::from_millis(self.quickness + below(300));
            self.plans.push(Plan { at: SystemClock.now() + reaction, deed: Deed::Strike(mole) });
        }
    }

    fn hear(&mut self, scores: Vec<Score>) {
        let now = SystemClock.now();
        for Score { user, hits } in scores {
            // A score is sent again if only the combo has changed.
            if self.hits.insert(user.clone(), hits).is_none_or(|before| before < hits) {
                self.player.latency.arrived(&(user, hits), now);
            }
        }
    }

    fn enter(&mut self, phase: &Phase) {
        self.plans.clear();
        match &*phase.phase {
            "countdown" => self.hits.clear(),
            "over" | "waiting" if self.player.leads => {
                self.plans.push(Plan { at: SystemClock.now() + BETWEEN_ROUNDS, deed: Deed::Start });
            }
            _ => {}
        }
    }
}

/// Parses the single argument of an event and passes it to `take`. Ignores arguments that cannot be
/// parsed.
fn read<T: DeserializeOwned>(arguments: &str, take: impl FnOnce(T)) {
    if let Ok((argument,)) = serde_json::from_str(arguments) {
        take(argument);
    }
}

/// Duration of a stroke. A bot does nothing else during this time.
const STROKE: Duration = Duration::from_millis(60);

/// Pause between rounds, in which other players can enter.
const BETWEEN_ROUNDS: Duration = Duration::from_secs(4);
