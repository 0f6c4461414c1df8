//! Tests that take real time, real load and real faults, against the real server.
//!
//! Each scenario starts a server of its own, does to it what the street does, and counts. What it finds is a count
//! or a ratio, never a time that depends on the machine. `cargo xtask endure` runs all of them, `endure NAME..` the
//! named ones. Start reading at [`scenario::ALL`].

mod out;
mod scenario;
mod server;
mod token;

use std::{env, process::ExitCode, time::Duration};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::timeout;

use crate::scenario::{ALL, Scenario};

fn main() -> ExitCode {
    let names: Vec<String> = env::args().skip(1).collect();
    if let Some(unknown) = names.iter().find(|name| ALL.iter().all(|one| one.name != **name)) {
        let known: Vec<_> = ALL.iter().map(|one| one.name).collect();
        out::line(format_args!("there is no scenario `{unknown}`: {}", known.join(", ")));
        return ExitCode::from(2);
    }
    raise_descriptors();
    let chosen: Vec<&Scenario> =
        ALL.iter().filter(|one| names.is_empty() || names.iter().any(|n| n == one.name)).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime can be built");
    let (mut passed, mut failed) = (0, 0);
    for scenario in chosen {
        out::line(format_args!("{}: {}", scenario.name, scenario.rule));
        // A scenario of its own task: one that panics does not end the others.
        let running = runtime.spawn((scenario.run)());
        let stop = running.abort_handle();
        let ended = runtime.block_on(async { timeout(LIMIT, running).await });
        // What hangs does not go on into the next one.
        stop.abort();
        match ended {
            Ok(Ok(figures)) => {
                passed += 1;
                out::line(format_args!("  ok      {figures}"));
            }
            Ok(Err(panicked)) => {
                failed += 1;
                out::line(format_args!("  FAILED  {panicked}"));
            }
            Err(_) => {
                failed += 1;
                out::line(format_args!("  FAILED  not done after {} s", LIMIT.as_secs()));
            }
        }
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    out::line(format_args!("test result: {word}. {passed} passed; {failed} failed; 0 ignored"));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Each socket of a scenario is a descriptor here too.
fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    // With fewer of them the scenario that needs more says so.
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).ok();
}

/// A scenario that takes longer hangs.
const LIMIT: Duration = Duration::from_mins(8);
