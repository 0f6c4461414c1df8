//! Runs every check and every test, installs the tools that they need, and prints a table of results.
//!
//! A step that fails does not stop the others, so that the table at the end is complete. Missing
//! tools are installed while the first steps run. A step whose tool or binary is missing is skipped, and
//! with `CI=true` in the environment a skip is a failure.
//! Start reading at [`run`]; the steps themselves are in `steps`.

mod count;
mod runner;
mod setup;
mod steps;
mod table;

use std::process::ExitCode;

use crate::{out, report::Failure, workspace::Workspace};
use runner::Runner;
use steps::{STEPS, Step};
use table::Table;

/// Names of the steps that `cargo xtask test` accepts, in the order in which they run.
pub(crate) fn step_names() -> Vec<&'static str> {
    STEPS.iter().map(|step| step.name).collect()
}

/// Runs the second tier of tests, which need real time, load and faults.
pub(crate) fn endure() -> Result<ExitCode, Failure> {
    carry_out(steps::ENDURE.iter().collect())
}

/// Runs the named steps, or all steps if no name is given.
pub(crate) fn run(names: &[&str]) -> Result<ExitCode, Failure> {
    if let Some(unknown) = names.iter().find(|name| !step_names().contains(name)) {
        out::error(format_args!("there is no step `{unknown}`: {}", step_names().join(", ")));
        return Ok(ExitCode::from(2));
    }
    carry_out(steps::choose(names))
}

fn carry_out(chosen: Vec<&'static Step>) -> Result<ExitCode, Failure> {
    let workspace = Workspace::find()?;
    let mut runner = Runner::start(&workspace, &chosen);
    let mut table = Table::default();
    for step in chosen {
        table.add(step.name, runner.run(step));
    }
    runner.finish();
    out::line(&table);
    Ok(if table.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
