//! Measures the memory of idle connections.

use std::time::Duration;

use clap::Args;
use doorward_bench::{Failure, credentials, measurement::Measurement, process::resident_bytes};
use tokio::{task::JoinSet, time::sleep};

use crate::{client::Client, latency::Latencies, sample::Sample, target::Target};

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Number of clients.
    #[arg(long, default_value_t = 5000)]
    connections: usize,
}

pub(crate) async fn run(target: Target, plan: Plan) -> Result<Measurement, Failure> {
    // One client connects before the first sample, because a server without any client has not loaded the code for
    // clients yet.
    drop(open(target, 0, 0).await?);
    sleep(SETTLE).await;
    let (before, empty) = (Sample::take(target)?, resident_bytes(target.pid)?);
    let clients = open_many(target, plan.connections, |number| number).await?;
    sleep(SETTLE).await;
    let (after, full) = (Sample::take(target)?, resident_bytes(target.pid)?);
    let mut measurement = after.since(&before, clients.len() as u64, &Latencies::default());
    measurement.bytes = full.saturating_sub(empty) as f64 / clients.len() as f64;
    Ok(measurement)
}

/// Opens `count` clients, and waits until all are admitted. `user` maps the number of a client to
/// the number of its user.
pub(crate) async fn open_many(
    target: Target,
    count: usize,
    user: impl Fn(usize) -> usize,
) -> Result<Vec<Client>, Failure> {
    let mut clients = Vec::with_capacity(count);
    let mut opening = JoinSet::new();
    for number in 0..count {
        opening.spawn_local(open(target, number, user(number)));
        if opening.len() >= AT_ONCE {
            clients.extend(opening.join_next().await.transpose()?.transpose()?);
        }
    }
    while let Some(client) = opening.join_next().await {
        clients.push(client??);
    }
    Ok(clients)
}

/// Opens a client with the token of a user, and waits until it is admitted. `number` selects the
/// local address.
pub(crate) async fn open(target: Target, number: usize, user: usize) -> Result<Client, Failure> {
    let mut client = Client::open(target.address, number).await?;
    client.connect(&credentials::token(user)?).await?;
    match client.packet().await? {
        Some(packet) if packet.starts_with(b"40") => Ok(client),
        other => Err(format!("the CONNECT was answered with {other:?}").into()),
    }
}

/// Maximum number of clients that connect at the same time.
const AT_ONCE: usize = 64;

/// Time for the server to free memory that only connecting clients need.
const SETTLE: Duration = Duration::from_secs(2);
