//! Measures connects: each client connects, is admitted or refused, and leaves.

use std::{cell::RefCell, rc::Rc};

use clap::Args;
use doorward_bench::{Failure, credentials, measurement::Measurement};
use tokio::{task::JoinSet, time::Instant};

use crate::{client::Client, latency::Latencies, sample::Sample, target::Target};

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Number of concurrent clients.
    #[arg(long, default_value_t = 32)]
    at_once: usize,
    /// Total number of connects.
    #[arg(long, default_value_t = 20_000)]
    total: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    Admission,
    Refusal,
}

#[derive(Default)]
struct Shared {
    started: usize,
    latencies: Latencies,
}

pub(crate) async fn run(
    target: Target,
    plan: Plan,
    expect: Expect,
) -> Result<Measurement, Failure> {
    let tokens: Result<Vec<String>, Failure> = (0..credentials::USERS)
        .map(|number| match expect {
            Expect::Admission => credentials::token(number),
            Expect::Refusal => credentials::forged_token(number),
        })
        .collect();
    let tokens: Rc<[String]> = tokens?.into();
    // Warm-up: the first connects allocate memory and fill caches, which later connects reuse.
    connect_many(target, Plan { total: plan.total / 20, ..plan }, expect, &tokens).await?;
    let before = Sample::take(target)?;
    let shared = connect_many(target, plan, expect, &tokens).await?;
    let after = Sample::take(target)?;
    Ok(after.since(&before, plan.total as u64, &shared.borrow().latencies))
}

async fn connect_many(
    target: Target,
    plan: Plan,
    expect: Expect,
    tokens: &Rc<[String]>,
) -> Result<Rc<RefCell<Shared>>, Failure> {
    let shared = Rc::<RefCell<Shared>>::default();
    let mut clients = JoinSet::new();
    for _ in 0..plan.at_once {
        let (shared, tokens) = (Rc::clone(&shared), Rc::clone(tokens));
        clients.spawn_local(async move {
            loop {
                let number = shared.borrow().started;
                if number >= plan.total {
                    return Ok::<_, Failure>(());
                }
                shared.borrow_mut().started += 1;
                let begun = Instant::now();
                connect_once(target, number, &tokens[number % tokens.len()], expect).await?;
                shared.borrow_mut().latencies.add(begun.elapsed());
            }
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    Ok(shared)
}

/// Connects, waits for the answer, and leaves. A refused client leaves too, because not every server closes
/// the link.
async fn connect_once(
    target: Target,
    number: usize,
    token: &str,
    expect: Expect,
) -> Result<(), Failure> {
    let mut client = Client::open(target.address, number).await?;
    client.connect(token).await?;
    let answer = client.packet().await?;
    let kind = answer.as_deref().and_then(|answer| answer.get(..2));
    match expect {
        Expect::Admission if kind == Some(b"40") => Ok(()),
        Expect::Refusal if kind == Some(b"44") => Ok(()),
        _ => Err(format!("the CONNECT was answered with {answer:?}").into()),
    }
}
