//! Many clients, of whom some are revoked again and again.

use clap::Args;
use doorward_bench::{Failure, credentials, measurement::Measurement};
use tokio::time::Instant;

use crate::{
    Target,
    client::{Client, append},
    idle,
    latency::Latencies,
    sample::Sample,
};

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// How many clients.
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// How many of them belong to one user.
    #[arg(long, default_value_t = 100)]
    hit: usize,
    /// How many users are revoked, one after the other.
    #[arg(long, default_value_t = 50)]
    rounds: usize,
}

/// Measures from the order to its confirmation, as whoever has given the order sees it.
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
    let mut measurement = Sample::take(target)?.since(&before, plan.rounds as u64);
    measurement.p50 = latencies.percentile(50);
    measurement.p99 = latencies.percentile(99);
    drop(clients);
    Ok(measurement)
}
