//! The steps of `cargo xtask test`, with their commands and the tools that they need.
//!
//! Cheap steps run first, so that a wrong format is reported after a second. Clippy, tests and the
//! build use one set of features and targets: another set would compile every dependency again.

use std::{path::PathBuf, process::Command};

use super::count::{self, Counts};
use crate::{
    api, deps,
    report::{Failure, Report},
    tidy, vendor,
    workspace::{self, Workspace},
};

/// A step, which is one row of the table of results.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) needs: &'static [Tool],
    /// `true` if the step uses the built server, so that the step `build` runs before it.
    pub(super) uses_binary: bool,
    pub(super) work: Work,
}

/// Implementation of a step.
#[derive(Debug)]
pub(super) enum Work {
    /// The step is a function of this program.
    Check(fn(&Workspace) -> Result<Report, Failure>),
    /// The step is one command. The second function counts the tests in the output of the command.
    Run(fn(&Workspace) -> Result<Command, Failure>, Option<fn(&str) -> Counts>),
}

/// Programs that a step needs and that cargo does not install.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    Chromium,
    Compiler,
    Node,
    /// The reverse proxies of docs/proxies.md, and openssl for a certificate.
    Proxies,
    Python,
    /// PostgreSQL. Without it the tests that need it fail, as with Redis.
    Postgres,
    /// Redis. If it is missing, the step is not skipped: the tests that need it fail and name the
    /// package, and the other tests of the step still run.
    Redis,
}

/// All steps of the first tier, in the order in which they run.
pub(super) const STEPS: &[Step] = &[
    step("fmt", &[], Work::Run(fmt, None)),
    step("tidy", &[], Work::Check(tidy::check)),
    step("deps", &[], Work::Check(deps::check)),
    step("vendor", &[], Work::Check(vendor::check)),
    step("types", &[Tool::Node], Work::Run(types, None)),
    step("clippy", &[Tool::Compiler], Work::Run(clippy, None)),
    step(
        "tests",
        &[Tool::Compiler, Tool::Postgres, Tool::Redis],
        Work::Run(tests, Some(count::cargo)),
    ),
    step("doctests", &[Tool::Compiler], Work::Run(doctests, Some(count::cargo))),
    step("docs", &[Tool::Compiler], Work::Run(docs, None)),
    step("api", &[Tool::Compiler], Work::Check(api::check)),
    step(BUILD, &[Tool::Compiler], Work::Run(build, None)),
    end_to_end(
        "e2e-node",
        &[Tool::Node, Tool::Redis],
        Work::Run(|w| node(w, "node"), Some(count::node)),
    ),
    end_to_end(
        "e2e-proxies",
        &[Tool::Node, Tool::Proxies],
        Work::Run(|w| node(w, "proxies"), Some(count::node)),
    ),
    end_to_end("e2e-python", &[Tool::Python], Work::Run(python, Some(count::python))),
    end_to_end(
        "e2e-browser",
        &[Tool::Node, Tool::Chromium],
        Work::Run(|w| node(w, "browser"), Some(count::node)),
    ),
    end_to_end(
        "examples-clients",
        &[Tool::Node, Tool::Python],
        Work::Run(|w| node(w, "examples"), Some(count::node)),
    ),
    end_to_end(
        "tutorial",
        &[Tool::Compiler, Tool::Node, Tool::Chromium],
        Work::Run(|w| node(w, "tutorial"), Some(count::node)),
    ),
];

/// The steps of `cargo xtask endure`.
pub(super) const ENDURE: &[Step] = &[
    step(BUILD, &[Tool::Compiler], Work::Run(build, None)),
    end_to_end("endure", &[Tool::Redis], Work::Run(endure, Some(count::cargo))),
];

pub(super) const BUILD: &str = "build";

/// Returns the named steps in the order of `steps`, with the build if a named step needs it. Returns all
/// steps if no name is given.
pub(super) fn choose(names: &[&str]) -> Vec<&'static Step> {
    let named = |step: &Step| names.is_empty() || names.contains(&step.name);
    let builds = STEPS.iter().any(|step| named(step) && step.uses_binary);
    STEPS.iter().filter(|step| named(step) || (builds && step.name == BUILD)).collect()
}

/// Folder for the packages of pip and for the output of the end-to-end tests.
pub(super) fn output_folder(workspace: &Workspace) -> PathBuf {
    workspace.target().join("e2e")
}

pub(super) fn python_program(workspace: &Workspace) -> PathBuf {
    output_folder(workspace).join("venv/bin/python")
}

const fn step(name: &'static str, needs: &'static [Tool], work: Work) -> Step {
    Step { name, needs, uses_binary: false, work }
}

const fn end_to_end(name: &'static str, needs: &'static [Tool], work: Work) -> Step {
    Step { name, needs, uses_binary: true, work }
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = workspace::cargo();
    command.args(arguments);
    command
}

/// Checks the format. Colours are off, because their codes would make a log unreadable.
fn fmt(_: &Workspace) -> Result<Command, Failure> {
    Ok(cargo(&["fmt", "--all", "--check", "--", "--color", "never"]))
}

/// Checks the types of the pages and of the client library.
fn types(workspace: &Workspace) -> Result<Command, Failure> {
    let mut command = Command::new("node");
    command.arg(workspace.root().join("e2e/node_modules/typescript/bin/tsc"));
    command.args(["--project", "tsconfig.json", "--pretty", "false"]);
    Ok(command)
}

fn clippy(_: &Workspace) -> Result<Command, Failure> {
    Ok(cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn tests(_: &Workspace) -> Result<Command, Failure> {
    Ok(cargo(&["test", "--workspace", "--all-targets", "--no-fail-fast"]))
}

fn doctests(_: &Workspace) -> Result<Command, Failure> {
    Ok(cargo(&["test", "--workspace", "--doc", "--no-fail-fast"]))
}

fn docs(_: &Workspace) -> Result<Command, Failure> {
    let mut command = cargo(&["doc", "--workspace", "--no-deps"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    Ok(command)
}

/// Builds the server. The targets of the tests are included because development dependencies add
/// features: without them every dependency would be compiled a second time.
fn build(_: &Workspace) -> Result<Command, Failure> {
    Ok(cargo(&["build", "--workspace", "--all-targets"]))
}

fn node(workspace: &Workspace, folder: &str) -> Result<Command, Failure> {
    let inside = format!("e2e/{folder}/");
    let is_test = |path: &String| path.starts_with(&inside) && path.ends_with(".test.mjs");
    let files: Vec<_> =
        workspace.sources()?.into_iter().map(|source| source.path).filter(is_test).collect();
    if files.is_empty() {
        return Err(Failure::new(format!("there is no test in {inside}")));
    }
    let mut command = Command::new("node");
    // Files are named one by one, because the meaning of a folder or a pattern differs between versions.
    command.args(["--test", "--test-reporter=spec"]).args(files);
    Ok(command)
}

/// Runs the endurance tests. A debug build is sufficient, because the tests count and do not measure
/// time.
#[expect(clippy::unnecessary_wraps, reason = "all steps have one form")]
fn endure(workspace: &Workspace) -> Result<Command, Failure> {
    Ok(Command::new(workspace.target().join("debug/endure")))
}

fn python(workspace: &Workspace) -> Result<Command, Failure> {
    let mut command = Command::new(python_program(workspace));
    command.args(["-m", "unittest", "discover", "-v", "-s", "e2e/python"]);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(chosen: &[&Step]) -> Vec<&'static str> {
        chosen.iter().map(|step| step.name).collect()
    }

    #[test]
    fn without_names_everything_runs() {
        assert_eq!(choose(&[]).len(), STEPS.len());
    }

    #[test]
    fn a_named_step_runs_alone() {
        assert_eq!(names(&choose(&["tidy"])), ["tidy"]);
    }

    #[test]
    fn a_step_that_uses_the_binary_brings_the_build() {
        assert_eq!(names(&choose(&["e2e-node", "fmt"])), ["fmt", "build", "e2e-node"]);
    }
}
