//! Runs the steps in order, prints when each starts, and continues after a failure.
//!
//! For a step that passes, one line is printed. For a step that fails, its whole output is printed,
//! because the reader of a log cannot run the step again.

use std::{process::Command, time::Duration};

use super::{
    setup::{self, Setup},
    steps::{BUILD, Step, Tool, Work, output_folder, python_program},
    table::{Outcome, Result},
};
use crate::{out, process, workspace::Workspace};

/// Tools and results that the next step depends on.
#[derive(Debug)]
pub(super) struct Runner<'a> {
    workspace: &'a Workspace,
    setup: Setup,
    build_failed: bool,
}

impl<'a> Runner<'a> {
    /// Begins to install the tools that the chosen steps need.
    pub(super) fn start(workspace: &'a Workspace, chosen: &[&Step]) -> Self {
        let mut tools: Vec<Tool> = Vec::new();
        for tool in chosen.iter().flat_map(|step| step.needs) {
            if !tools.contains(tool) {
                tools.push(*tool);
            }
        }
        Self { workspace, setup: Setup::start(workspace, &tools), build_failed: false }
    }

    /// Runs one step to its end.
    pub(super) fn run(&mut self, step: &Step) -> Outcome {
        let started = process::now();
        let reason = self.obstacle(step);
        let mut outcome = match reason {
            Some(reason) => {
                out::line(format_args!("{}: skipped, {reason}", step.name));
                Outcome { result: Result::Skipped(reason), took: Duration::ZERO, counts: None }
            }
            None => self.work(step),
        };
        outcome.took = started.elapsed();
        if step.name == BUILD {
            self.build_failed = !matches!(outcome.result, Result::Passed);
        }
        outcome
    }

    /// Waits for running installations, because an interrupted installation leaves a broken package.
    pub(super) fn finish(&mut self) {
        self.setup.wait();
    }

    /// Returns the reason why the step cannot run. Waits for the set-up if the step needs a tool that
    /// is still being installed.
    fn obstacle(&mut self, step: &Step) -> Option<String> {
        if step.uses_binary && self.build_failed {
            return Some("there is no binary to test".to_owned());
        }
        let lacks = |tool: &Tool| Some((*tool, self.setup.lacks(*tool)?));
        let mut lacking = step.needs.iter().filter_map(lacks);
        let stops = |tool: &Tool| !matches!(tool, Tool::Postgres | Tool::Redis);
        lacking.find(|(tool, _)| stops(tool)).map(|(_, reason)| reason)
    }

    fn work(&self, step: &Step) -> Outcome {
        let started = process::now();
        let (success, output, counts) = match &step.work {
            Work::Check(check) => {
                out::line(format_args!("{}: started", step.name));
                match check(self.workspace) {
                    Ok(report) => (report.is_clean(), format!("{report}\n"), None),
                    Err(failure) => (false, format!("{failure}\n"), None),
                }
            }
            Work::Run(command, count) => match command(self.workspace) {
                Ok(mut command) => {
                    let run = self.follow(step, &mut command);
                    let counts = count.map(|count| count(&run.output));
                    (run.success, run.output, counts)
                }
                Err(failure) => (false, format!("{failure}\n"), None),
            },
        };
        let took = started.elapsed();
        let verdict = if success { "passed" } else { "FAILED" };
        if !success {
            out::line(output.trim_end());
        }
        out::line(format_args!("{}: {verdict} in {:.1} s", step.name, took.as_secs_f64()));
        let result = if success { Result::Passed } else { Result::Failed };
        Outcome { result, took, counts }
    }

    fn follow(&self, step: &Step, command: &mut Command) -> process::Run {
        command.current_dir(self.workspace.root());
        if step.uses_binary {
            self.describe_binary(command);
        }
        out::line(format_args!("{}: {}", step.name, process::describe(command)));
        let started = process::now();
        let mut last = String::new();
        let run = process::run(command, STEP_LIMIT, |line| {
            if !line.is_empty() {
                line.clone_into(&mut last);
            }
            out::progress(&format!("{} {} s  {last}", step.name, started.elapsed().as_secs()));
        });
        out::progress("");
        run
    }

    /// Sets the variables that the end-to-end tests read.
    fn describe_binary(&self, command: &mut Command) {
        let output = output_folder(self.workspace);
        command
            .env("E2E_DOORWARD", self.workspace.target().join("debug/doorward"))
            .env("E2E_OUT", &output)
            .env("PYTHON", python_program(self.workspace))
            .env("PYTHONPATH", self.workspace.root().join("e2e"));
        if let Some(chromium) = setup::chromium() {
            command.env("CHROMIUM", chromium);
        }
    }
}

/// Time limit of one step. A step that exceeds it counts as hanging: it is ended, and the next step runs.
const STEP_LIMIT: Duration = Duration::from_mins(30);
