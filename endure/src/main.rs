//! Tests with real time, real load and real faults, against the real server.
//!
//! Each scenario starts its own server, puts it under the load or faults of production, and counts. Results are
//! counts or ratios. They are never times, because times depend on the machine. `cargo xtask endure` runs all
//! scenarios, and `endure NAME..` runs the named scenarios. Start reading at [`scenario::ALL`].

mod crowd;
mod nodes;
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
        // Each scenario runs in its own task, so that a panic does not end the others.
        let running = runtime.spawn((scenario.run)());
        let stop = running.abort_handle();
        let ended = runtime.block_on(async { timeout(LIMIT, running).await });
        // A scenario that hangs must not continue while the next scenario runs.
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

/// Raises the limit of file descriptors, because each socket of a scenario needs a descriptor in this process.
fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    // If this fails, a scenario that needs more descriptors fails and reports it.
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).ok();
}

/// Maximum duration of a scenario. A scenario that takes longer counts as hanging.
const LIMIT: Duration = Duration::from_mins(8);
