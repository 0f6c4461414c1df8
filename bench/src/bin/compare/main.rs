//! Runs the servers in turn under the same load and prints what each has cost.
//!
//! Every cell of the table is measured with a server of its own, several times, alternating between
//! the servers so that a slow minute of the machine hits all of them; the medians are printed. With
//! `taskset` the server has one core and the load another. Start reading at [`measure`].

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
    /// How often everything is measured.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Only the work whose name begins like this.
    #[arg(long, default_value = "")]
    only: String,
    /// Another server that does the same work. It writes the address on which it listens as the
    /// first line of its output.
    #[arg(long)]
    also: Vec<PathBuf>,
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let folder = build()?;
    let servers: Vec<PathBuf> =
        runs::SERVERS.iter().map(|server| folder.join(server)).chain(arguments.also).collect();
    let pins = Pins::find();
    output::line(machine::describe(pins))?;
    output::line(table::HEAD)?;
    for work in runs::WORKS.iter().filter(|work| work.name.starts_with(&arguments.only)) {
        let measured = measure(&folder, &servers, work, arguments.rounds, pins)?;
        output::line(table::rows(work, &measured))?;
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

/// Builds the other programs as this one was built, and returns where they are.
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
