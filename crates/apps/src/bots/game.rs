//! Runs the bots that play whack-a-mole.

use std::{sync::Arc, time::Duration};

use doorward_core::Causes;
use tokio::{sync::mpsc, time::timeout};

use super::{
    client::Client,
    door::{BotError, Door},
    latency::Latency,
    player::{Player, Ranked},
    random::below,
};

/// Number of players and rounds, for one room of whack-a-mole.
#[derive(Clone, Debug)]
pub struct GameLoad {
    /// Number of players, 1 at least.
    pub players: u32,
    /// Name of the room.
    pub room: String,
    /// Number of rounds to play. `None` to play until the caller drops the future.
    pub rounds: Option<u32>,
}

/// Plays whack-a-mole, and reports after each round.
pub(super) async fn play(load: &GameLoad, door: &Arc<Door>) -> Result<(), BotError> {
    let names: Vec<_> = (1..=load.players).map(|number| format!("bot-{number:03}")).collect();
    let clients = door.enter_all(&names, "/mole").await?;
    door.say(&format!("{} bots play in the room {}.", names.len(), load.room))?;
    let latency = Arc::<Latency<_>>::default();
    let (count, (rounds, mut ranked)) = (clients.len(), mpsc::channel(clients.len()));
    for (index, (name, mut client)) in names.into_iter().zip(clients).enumerate() {
        let player = Player {
            name,
            room: load.room.clone(),
            leads: index == 0,
            latency: Arc::clone(&latency),
            rounds: rounds.clone(),
        };
        let door = Arc::clone(door);
        tokio::spawn(async move {
            loop {
                let Err(ended) = player.play(&mut client).await;
                tracing::warn!(bot = player.name, ended = %Causes(&ended), "A bot has lost its connection.");
                let Some(again) = come_back(&door, &player.name).await else { return };
                client = again;
            }
        });
    }
    drop(rounds);
    let mut round = 0;
    while let Some(ranking) = ranked.recv().await {
        round += 1;
        // Report after all bots have received the ranking, but do not wait for bots without a
        // connection.
        let others = async {
            for _ in 1..count {
                ranked.recv().await;
            }
        };
        let _all = timeout(FOR_OTHERS, others).await;
        report(door, round, &ranking, &latency)?;
        if load.rounds.is_some_and(|rounds| round >= rounds) {
            return Ok(());
        }
    }
    Err(BotError::AllOut)
}

/// Reconnects a bot with exponential backoff. Returns `None` after [`ATTEMPTS`] failures.
async fn come_back(door: &Door, name: &str) -> Option<Client> {
    for attempt in 0..ATTEMPTS {
        tokio::time::sleep(Duration::from_millis(500 + below(500)) * 2_u32.pow(attempt)).await;
        match door.enter(name, "/mole").await {
            Ok(client) => return Some(client),
            Err(error) => tracing::warn!(error = %Causes(&error), "A bot could not reconnect."),
        }
    }
    None
}

fn report(
    door: &Door,
    round: u32,
    ranking: &[Ranked],
    latency: &Latency<(String, u32)>,
) -> Result<(), BotError> {
    let best: Vec<_> =
        ranking.iter().take(3).map(|row| format!("{} {}", row.name, row.score)).collect();
    let hits: u32 = ranking.iter().map(|row| row.hits).sum();
    let times = latency.take();
    door.say(&format!(
        "round {round}: {}; {hits} hits; a hit until its score is at a bot: {times}",
        best.join(", ")
    ))
}

/// Maximum time for which a report waits until all bots have received the ranking.
const FOR_OTHERS: Duration = Duration::from_secs(2);

const ATTEMPTS: u32 = 6;
