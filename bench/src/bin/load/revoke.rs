//! Measures revocations of users with many connections.

use clap::Args;
use doorward_bench::{Failure, credentials, measurement::Measurement};
use tokio::time::Instant;

use crate::{
    client::{Client, append},
    idle,
    latency::Latencies,
    sample::Sample,
    target::Target,
};

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Number of clients.
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// Number of clients of each user.
    #[arg(long, default_value_t = 100)]
    hit: usize,
    /// Number of users to revoke, one after the other.
    #[arg(long, default_value_t = 50)]
    rounds: usize,
}

/// Measures the time from the request of a revocation to its ack, as the client that sends the
/// request sees it.
pub(crate) async fn run(target: Target, plan: Plan) -> Result<Measurement, Failure> {
    let users = (plan.connections / plan.hit).min(credentials::USERS - 1);
    let number = |connection| connection % users;
    let clients = idle::open_many(target, plan.connections, number).await?;
    let mut operator = Client::open(target.address, plan.connections).await?;
    operator.connect(&credentials::token(credentials::USERS - 1)?).await?;
    operator.packet().await?;
    let mut latencies = Latencies::default();
    let before = Sample::take(target)?;
    for round in 0..plan.rounds.min(users) {
        let begun = Instant::now();
        let mut order = Vec::new();
        let user = credentials::user_id(round);
        append(&mut order, format!(r#"42{round}["revoke","{user}"]"#).as_bytes());
        operator.write(&order).await?;
        let answer = operator.packet().await?.unwrap_or_default();
        latencies.add(begun.elapsed());
        let expected = format!("43{round}[{}]", plan.hit);
        if answer != expected.as_bytes() {
            let answer = String::from_utf8_lossy(&answer).into_owned();
            return Err(format!("expected {expected}, got {answer}").into());
        }
    }
    let measurement = Sample::take(target)?.since(&before, plan.rounds as u64, &latencies);
    drop(clients);
    Ok(measurement)
}
