//! Measures sign-ins beside many links that never authenticate.

use std::{cell::Cell, rc::Rc, time::Duration};

use clap::Args;
use doorward_bench::{Failure, measurement::Measurement, process::resident_bytes};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{client::Client, idle, latency::Latencies, sample::Sample, target::Target};

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Number of concurrent silent links. A link that the server closes is opened again.
    #[arg(long, default_value_t = 10_000)]
    links: usize,
    /// Number of clients that sign in, one after the other.
    #[arg(long, default_value_t = 500)]
    signs_in: usize,
}

pub(crate) async fn run(target: Target, plan: Plan) -> Result<Measurement, Failure> {
    drop(idle::open(target, 0, 0).await?);
    sleep(SETTLE).await;
    let empty = resident_bytes(target.pid)?;
    let open = Rc::new(Cell::new(0));
    let mut silent = JoinSet::new();
    for number in 0..plan.links {
        silent.spawn_local(stay(target, number, Rc::clone(&open)));
    }
    while open.get() < plan.links * 9 / 10 {
        sleep(Duration::from_millis(10)).await;
    }
    let (full, links) = (resident_bytes(target.pid)?, open.get());
    let mut latencies = Latencies::default();
    let before = Sample::take(target)?;
    for number in 0..plan.signs_in {
        let begun = Instant::now();
        drop(idle::open(target, number, number).await?);
        latencies.add(begun.elapsed());
    }
    let mut measurement = Sample::take(target)?.since(&before, plan.signs_in as u64, &latencies);
    measurement.bytes = full.saturating_sub(empty) as f64 / links as f64;
    Ok(measurement)
}

/// Opens a link, sends no CONNECT until the server closes the link, and starts again. `open` counts
/// the open links.
async fn stay(target: Target, number: usize, open: Rc<Cell<usize>>) {
    loop {
        let Ok(mut client) = Client::open(target.address, number).await else { continue };
        open.set(open.get() + 1);
        // Waits for the end of the link.
        while let Ok(Some(_)) = client.packet().await {}
        open.set(open.get() - 1);
    }
}

/// Time for the server to free memory that only connecting clients need.
const SETTLE: Duration = Duration::from_secs(2);
