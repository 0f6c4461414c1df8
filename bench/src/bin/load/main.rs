//! The client of the benchmark: makes work for one server and measures it.
//!
//! Everything is one thread, so that one core is enough and nothing is counted twice. The protocol is
//! written here by hand and shares no code with the server. The server's processor time and memory
//! are read from `/proc`.

mod broadcast;
mod client;
mod connect;
mod echo;
mod idle;
mod latency;
mod revoke;
mod sample;
mod silent;

use std::net::SocketAddr;

use clap::{Parser, Subcommand};
use doorward_bench::{Failure, measurement::Measurement, output};

/// Measures one server.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where the server listens.
    #[arg(long)]
    address: SocketAddr,
    /// The server's process.
    #[arg(long)]
    server_pid: u32,
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Debug, Subcommand)]
enum Mode {
    /// Authenticated connects, one after the other by several clients.
    Connect(connect::Plan),
    /// Connects with a token that is not good.
    Refuse(connect::Plan),
    /// Messages to everybody.
    Broadcast(broadcast::Plan),
    /// Events with an ack.
    Echo(echo::Plan),
    /// Connections that stay and say nothing.
    Idle(idle::Plan),
    /// Users who are revoked among many who are not.
    Revoke(revoke::Plan),
    /// Links that never say who they are, and people who sign in meanwhile.
    Silent(silent::Plan),
}

/// The server that is measured.
#[derive(Clone, Copy, Debug)]
struct Target {
    address: SocketAddr,
    pid: u32,
}

fn main() -> Result<(), Failure> {
    let Arguments { address, server_pid, mode } = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = tokio::task::LocalSet::new();
    let measurement = tasks.block_on(&runtime, run(Target { address, pid: server_pid }, mode))?;
    output::line(serde_json::to_string(&measurement)?)?;
    Ok(())
}

async fn run(target: Target, mode: Mode) -> Result<Measurement, Failure> {
    match mode {
        Mode::Connect(plan) => connect::run(target, plan, connect::Expect::Admission).await,
        Mode::Refuse(plan) => connect::run(target, plan, connect::Expect::Refusal).await,
        Mode::Broadcast(plan) => broadcast::run(target, plan).await,
        Mode::Echo(plan) => echo::run(target, plan).await,
        Mode::Idle(plan) => idle::run(target, plan).await,
        Mode::Revoke(plan) => revoke::run(target, plan).await,
        Mode::Silent(plan) => silent::run(target, plan).await,
    }
}
