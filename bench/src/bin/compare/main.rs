//! Runs the servers in turn under the same load and prints the cost of each.
//!
//! Each cell of the table is the median of several runs, each with a fresh server. Runs alternate between the
//! servers, so that a slow minute of the machine affects all of them. With `taskset`, the server has one core and
//! the load another. Start reading at [`measure`].

mod machine;
mod runs;
mod table;

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use clap::Parser;
use doorward_bench::{Failure, measurement::Measurement, output};
use runs::{Pins, Work};

/// Compares the servers.
#[derive(Debug, Parser)]
struct Arguments {
    /// Number of runs of each kind of work on each server.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Measures only work whose name begins with this text.
    #[arg(long, default_value = "")]
    only: String,
    /// Program of another server that does the same work. The first line of its output must be the
    /// address on which it listens.
    #[arg(long)]
    also: Vec<PathBuf>,
    /// Name of the program with which the other servers are compared.
    #[arg(long, default_value = "floor")]
    to: String,
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let folder = build()?;
    let servers: Vec<PathBuf> =
        runs::SERVERS.iter().map(|server| folder.join(server)).chain(arguments.also).collect();
    let base = &arguments.to;
    let pins = Pins::find();
    output::line(machine::describe(pins))?;
    output::line(table::head(base))?;
    for work in runs::WORKS.iter().filter(|work| work.name.starts_with(&arguments.only)) {
        let measured = measure(&folder, &servers, work, arguments.rounds, pins)?;
        output::line(table::rows(work, base, &measured))?;
    }
    Ok(())
}

/// Measures one kind of work on every server, several times.
fn measure(
    folder: &Path,
    servers: &[PathBuf],
    work: &Work,
    rounds: usize,
    pins: Pins,
) -> Result<Vec<(String, Vec<Measurement>)>, Failure> {
    let name = |server: &PathBuf| {
        server.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    };
    let servers: Vec<_> = servers.iter().filter(|server| work.can(&name(server))).collect();
    let mut measured: Vec<_> = servers.iter().map(|server| (name(server), Vec::new())).collect();
    for _ in 0..rounds {
        for (server, (_, runs)) in servers.iter().zip(&mut measured) {
            runs.push(runs::run(folder, server, work, pins)?);
        }
    }
    Ok(measured)
}

/// Builds the other programs in the profile of this one, and returns their folder.
fn build() -> Result<PathBuf, Failure> {
    let own = env::current_exe()?;
    let folder = own.parent().ok_or("a program lies in a folder")?;
    let target = folder.parent().ok_or("a profile's folder lies in the target folder")?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", env!("CARGO_PKG_NAME"), "--bins"]);
    command.arg("--target-dir").arg(target);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    if !command.status()?.success() {
        return Err("the programs of the benchmark could not be built".into());
    }
    Ok(folder.to_owned())
}
