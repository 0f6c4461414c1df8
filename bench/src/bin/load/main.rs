//! The client of the benchmark, which puts load on one server and measures it.
//!
//! The client runs on one thread, so that it needs only one core. It implements the protocol itself and shares no
//! code with the server. It reads the server's processor time and memory from `/proc`.

mod broadcast;
mod client;
mod connect;
mod echo;
mod idle;
mod latency;
mod revoke;
mod sample;
mod silent;
mod target;

use std::net::SocketAddr;

use clap::{Parser, Subcommand};
use doorward_bench::{Failure, measurement::Measurement, output};
use target::Target;

/// Measures one server.
#[derive(Debug, Parser)]
struct Arguments {
    /// Address of the server.
    #[arg(long)]
    address: SocketAddr,
    /// Process id of the server.
    #[arg(long)]
    server_pid: u32,
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Debug, Subcommand)]
enum Mode {
    /// Measures authenticated connects of several concurrent clients.
    Connect(connect::Plan),
    /// Measures connects with an invalid token.
    Refuse(connect::Plan),
    /// Measures broadcasts to all clients.
    Broadcast(broadcast::Plan),
    /// Measures events with an ack.
    Echo(echo::Plan),
    /// Measures the memory of idle connections.
    Idle(idle::Plan),
    /// Measures revocations of users among many connections.
    Revoke(revoke::Plan),
    /// Measures sign-ins beside many links that never authenticate.
    Silent(silent::Plan),
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
