//! Runs `doorward bots`: people who are none, over real connections, to be seen and to be a load.
//!
//! They are known by tokens that are signed with the key of the data directory, so the command runs where the
//! server does. Players play for ever, or so many rounds; chatters are in one room and say so many messages.
//! Both say how long it took until everybody knew. Start reading at [`run`].

mod chatter;
mod client;
mod latency;
mod player;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use doorward::{Clock, Entropy, OsEntropy, SystemClock, auth::Issuer};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::{sync::mpsc, time::timeout};

use self::{
    chatter::{Order, Slate},
    client::Client,
    latency::Latency,
    player::{Player, Ranked},
};
use crate::{
    cli::BotsOptions,
    config::{Config, TokenConfig},
    failure::Failure,
    key_file::KeyFile,
    log, output, token,
};

/// Runs `doorward bots`.
pub(crate) fn run(options: &BotsOptions) -> Result<(), Failure> {
    let config = Config::load(&options.place, options.listen.as_ref())?;
    let _log = log::start()?;
    let keys = KeyFile::of(&config.data_dir).read()?.ok_or_else(|| {
        let place = config.data_dir.display();
        Failure::new(format_args!("there is no key in {place}: start the server there first"))
    })?;
    let TokenConfig { issuer, audience } = &config.token;
    let door = Door {
        issuer: Issuer::with_ring(Arc::new(keys), issuer.as_str(), audience.as_str()),
        address: config.listen.to_string(),
    };
    let runtime = tokio::runtime::Runtime::new();
    let runtime = runtime.map_err(|error| Failure::because("cannot start", &error))?;
    runtime.block_on(async {
        tokio::select! {
            done = work(options, Arc::new(door)) => done,
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    })
}

async fn work(options: &BotsOptions, door: Arc<Door>) -> Result<(), Failure> {
    match options.chatters {
        Some(count) => chat(count.into(), options, &door).await,
        None => play(options, &door).await,
    }
}

/// Where bots come in.
struct Door {
    issuer: Issuer,
    address: String,
}

impl Door {
    async fn enter(&self, name: &str, namespace: &'static str) -> Result<Client, Failure> {
        let now = SystemClock.wall();
        let token = self.issuer.issue(name, LIFETIME, now, &token::random_id());
        let token = token.map_err(|error| Failure::because("a bot gets no token", &error))?;
        Client::connect(&self.address, namespace, &token).await.map_err(|error| {
            let address = &self.address;
            Failure::new(format_args!("{name} does not get in at {address}: {error}"))
        })
    }

    /// Lets all of them in, some at a time.
    async fn enter_all(
        &self,
        names: &[String],
        namespace: &'static str,
    ) -> Result<Vec<Client>, Failure> {
        let names = names.iter().map(String::as_str);
        let enter = |name| self.enter(name, namespace);
        stream::iter(names).map(enter).buffered(AT_ONCE).try_collect().await
    }
}

/// Plays whack-a-mole.
async fn play(options: &BotsOptions, door: &Arc<Door>) -> Result<(), Failure> {
    let names: Vec<_> = (1..=options.players).map(|number| format!("bot-{number:03}")).collect();
    let clients = door.enter_all(&names, "/mole").await?;
    say(&format!("{} bots play in the room {}.", names.len(), options.room))?;
    let latency = Arc::new(Latency::new());
    let (count, (rounds, mut ranked)) = (clients.len(), mpsc::channel(clients.len()));
    for (index, (name, mut client)) in names.into_iter().zip(clients).enumerate() {
        let player = Player {
            name,
            room: options.room.clone(),
            leads: index == 0,
            latency: Arc::clone(&latency),
            rounds: rounds.clone(),
        };
        let door = Arc::clone(door);
        tokio::spawn(async move {
            loop {
                let Err(ended) = player.play(&mut client).await;
                tracing::warn!(bot = player.name, %ended, "A bot is out.");
                if let Some(again) = come_back(&door, &player.name).await {
                    client = again;
                } else {
                    return;
                }
            }
        });
    }
    drop(rounds);
    let mut round = 0;
    while let Some(ranking) = ranked.recv().await {
        round += 1;
        // Only when all have read everything; those that are out are not waited for.
        let others = async {
            for _ in 1..count {
                ranked.recv().await;
            }
        };
        let _all = timeout(FOR_OTHERS, others).await;
        report(round, &ranking, &latency)?;
        if options.rounds.is_some_and(|rounds| round >= rounds) {
            return Ok(());
        }
    }
    Err(Failure::new("all bots are out"))
}

/// Tries to get in again, ever more rarely.
async fn come_back(door: &Door, name: &str) -> Option<Client> {
    for attempt in 0..ATTEMPTS {
        tokio::time::sleep(Duration::from_millis(500 + below(500)) * 2_u32.pow(attempt)).await;
        match door.enter(name, "/mole").await {
            Ok(client) => return Some(client),
            Err(failure) => tracing::warn!(%failure, "A bot does not come back."),
        }
    }
    None
}

fn report(round: u32, ranking: &[Ranked], latency: &Latency<(String, u32)>) -> Result<(), Failure> {
    let best: Vec<_> =
        ranking.iter().take(3).map(|row| format!("{} {}", row.name, row.score)).collect();
    let hits: u32 = ranking.iter().map(|row| row.hits).sum();
    let times = latency.take();
    say(&format!(
        "round {round}: {}; {hits} hits; a hit until its score is at a bot: {times}",
        best.join(", ")
    ))
}

/// Fills one room of the chat.
async fn chat(count: usize, options: &BotsOptions, door: &Door) -> Result<(), Failure> {
    let names: Vec<_> = (1..=count).map(|number| format!("bot-{number:04}")).collect();
    let clients = door.enter_all(&names, "/chat").await?;
    let slate = Slate::new();
    let mut orders = Vec::new();
    for mut client in clients {
        let (order, ordered) = mpsc::channel(64);
        let slate = Arc::clone(&slate);
        orders.push(order);
        tokio::spawn(async move { chatter::chat(&mut client, ordered, &slate).await });
    }
    let order = async |number: usize, order| {
        let sent = orders[number].send(order).await;
        sent.map_err(|_order| Failure::new(format_args!("{} is out", names[number])))
    };
    order(0, Order::Create).await?;
    let mut room = slate.room.subscribe();
    let room = within(room.wait_for(Option::is_some), "the room").await?.clone();
    let room = room.unwrap_or_default();
    let mut members = slate.members.subscribe();
    for (number, user) in names.iter().enumerate().skip(1) {
        // Each invites a few, so that nobody invites more than one may.
        let host = (number - 1) / INVITED_BY_ONE;
        if number % INVITED_BY_ONE == 1 {
            within(members.wait_for(|members| *members >= number), "the members").await?;
        }
        let invite = Order::Invite { id: user.clone(), room: room.clone() };
        order(host, invite).await?;
    }
    within(members.wait_for(|members| *members == count), "the members").await?;
    say(&format!("{count} bots are in one room."))?;

    let mut beat = tokio::time::interval(Duration::from_secs(1) / options.rate);
    for number in 0..options.messages {
        beat.tick().await;
        let speaker = usize::try_from(number).unwrap_or(0) * STRIDE % count;
        order(speaker, Order::Say { key: number.to_string(), room: room.clone() }).await?;
    }
    let expected = u64::from(options.messages) * u64::try_from(count).unwrap_or(u64::MAX);
    let all = async {
        while slate.heard.load(Ordering::Relaxed) < expected {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let is_complete = timeout(PATIENCE, all).await.is_ok();
    let lost = expected.saturating_sub(slate.heard.load(Ordering::Relaxed));
    let disordered = slate.disordered.load(Ordering::Relaxed);
    say(&format!(
        "{} messages to {count} members, {} a second: {lost} lost, {disordered} out of order; \
         a message until it is at a bot: {}",
        options.messages,
        options.rate,
        slate.latency.take()
    ))?;
    if is_complete && disordered == 0 { Ok(()) } else { Err(Failure::new("messages were lost")) }
}

async fn within<T, E>(
    future: impl Future<Output = Result<T, E>>,
    what: &str,
) -> Result<T, Failure> {
    match timeout(PATIENCE, future).await {
        Ok(Ok(value)) => Ok(value),
        _ => Err(Failure::new(format_args!("{what} did not come within {PATIENCE:?}"))),
    }
}

fn say(line: &str) -> Result<(), Failure> {
    output::say(&format!("{line}\n")).map_err(|error| Failure::because("cannot print", &error))
}

/// A number below `end`.
fn below(end: u64) -> u64 {
    let mut drawn = [0; 8];
    OsEntropy.fill(&mut drawn);
    u64::from_ne_bytes(drawn) % end
}

/// Connections that are on their way in at the same moment.
const AT_ONCE: usize = 20;

/// As long as a token may be; a bot that is out by then comes back with another one.
const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// How long the end of a round may be on its way.
const FOR_OTHERS: Duration = Duration::from_secs(2);

const ATTEMPTS: u32 = 6;

const INVITED_BY_ONE: usize = 10;

/// Consecutive messages come from bots that are far from each other.
const STRIDE: usize = 7919;

const PATIENCE: Duration = Duration::from_secs(30);
