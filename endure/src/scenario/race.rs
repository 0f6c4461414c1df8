//! Connects 1,000 clients of one user to three nodes at once, while the user may have one connection.

use std::{sync::Arc, time::Duration};

use doorward_testkit::RawClient;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{nodes::Nodes, server::client_address};

pub(super) async fn run() -> String {
    let refused = refuse_new().await;
    let replaced = replace_oldest().await;
    format!(
        "{} of {CLIENTS} refused after {refused:?}; {} replaced one after the other within {replaced:?}",
        CLIENTS - 1,
        CLIENTS - 1
    )
}

/// One client is admitted, and the others are refused.
async fn refuse_new() -> Duration {
    let nodes = Arc::new(start("refuse_new").await);
    let begun = Instant::now();
    let mut clients = all_connect(&nodes);
    for _ in 1..CLIENTS {
        assert_eq!(next(&mut clients).await, End::Refused);
    }
    let took = begun.elapsed();
    one_remains(&nodes, &clients).await;
    took
}

/// Each client is admitted, and all but one are replaced.
async fn replace_oldest() -> Duration {
    let nodes = Arc::new(start("replace_oldest").await);
    let begun = Instant::now();
    let mut clients = all_connect(&nodes);
    for _ in 1..CLIENTS {
        assert_eq!(next(&mut clients).await, End::Replaced);
    }
    let took = begun.elapsed();
    one_remains(&nodes, &clients).await;
    took
}

async fn start(on_excess: &str) -> Nodes {
    // A user may try to connect 240 times in a minute by default.
    let attempts = "[limits]\nmax_user_attempts = 1_000_000\n";
    let connections = format!("[connections]\nper_user = 1\non_excess = \"{on_excess}\"\n");
    Nodes::start(3, &(connections + attempts)).await
}

async fn one_remains(nodes: &Nodes, clients: &JoinSet<End>) {
    assert_eq!(clients.len(), 1, "clients that remain");
    let (code, said, _) = nodes.operate(0, &["connections"]).await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(said.matches("alice").count(), 1, "{said}");
}

/// How the part of a client in the race ends.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Refused,
    Replaced,
    /// Its connection has ended without a reason.
    Lost,
}

/// Lets all clients connect at once, and stay.
fn all_connect(nodes: &Arc<Nodes>) -> JoinSet<End> {
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let nodes = Arc::clone(nodes);
        clients.spawn(async move {
            match connect(&nodes, number).await {
                Some(client) => stay(client).await,
                None => End::Refused,
            }
        });
    }
    clients
}

/// Connects a client as often as needed until it is admitted or refused.
async fn connect(nodes: &Nodes, number: usize) -> Option<RawClient> {
    let (address, token) = (nodes.servers[number % 3].address, nodes.tokens.sign("alice"));
    for attempt in 0.. {
        let mut client = RawClient::open_from(client_address(number), address, "").await;
        client.text(&format!(r#"40{{"token":"{token}"}}"#)).await;
        match client.packet().await {
            Some(answer) if answer.starts_with("40{") => return Some(client),
            Some(answer) if answer.contains("already_connected") => return None,
            // Nothing was decided.
            _ => sleep(pause(number, attempt)).await,
        }
    }
    None
}

/// Returns the time after which a stock client connects again: 1 s, doubled with each attempt up to 5 s, and up to a half
/// more or less.
fn pause(number: usize, attempt: u32) -> Duration {
    let base = Duration::from_secs(1 << attempt.min(3)).min(Duration::from_secs(5));
    base.mul_f64(0.5 + number as f64 / CLIENTS as f64)
}

/// Answers the pings of the server, as a client with a person in front of it does.
async fn stay(mut client: RawClient) -> End {
    while let Some(packet) = client.packet().await {
        if packet == "2" {
            client.text("3").await;
        } else if packet.contains("\"replaced\"") {
            return End::Replaced;
        }
    }
    End::Lost
}

async fn next(clients: &mut JoinSet<End>) -> End {
    let next = timeout(WITHIN, clients.join_next()).await.expect("the next one is done in time");
    next.expect("some clients are left").expect("it does not panic")
}

const CLIENTS: usize = 1_000;

/// Longest time until the next client is refused or replaced.
const WITHIN: Duration = Duration::from_mins(1);
