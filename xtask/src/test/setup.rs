//! Installs the tools that the steps need, while cargo compiles.
//!
//! Programs come from packages of the operating system. On a terminal, a person is asked first. Without a
//! terminal they are installed if the command runs as root, and otherwise the command to install them is
//! printed. npm and pip packages are installed into folders of this repository, and only if their list has
//! changed since the last time.
//! Start reading at [`Setup::start`].

mod packages;
mod programs;

use std::thread::{self, JoinHandle};

use super::steps::Tool;
use crate::{out, workspace::Workspace};
pub(super) use programs::chromium;
use programs::{Consent, is_present};

/// State of the tools: present, missing for a reason, or still being installed.
#[derive(Debug)]
pub(super) struct Setup {
    installing: Option<JoinHandle<Ready>>,
    /// Tools that were missing when the set-up began. A step that needs such a tool waits for it.
    awaited: Vec<Tool>,
    ready: Ready,
}

/// Result of the background work.
#[derive(Debug, Default)]
struct Ready {
    /// Tools that could not be installed, each with the reason.
    lacking: Vec<(Tool, String)>,
    log: Vec<String>,
}

impl Setup {
    /// Begins to install the missing ones of `tools`, and returns at once.
    pub(super) fn start(workspace: &Workspace, tools: &[Tool]) -> Self {
        let missing: Vec<Tool> = tools.iter().copied().filter(|tool| !is_present(*tool)).collect();
        let consent = programs::consent(&missing);
        let has_packages = |tool: &Tool| matches!(tool, Tool::Node | Tool::Python);
        let mut awaited = missing.clone();
        awaited.extend(tools.iter().copied().filter(has_packages));
        if awaited.is_empty() {
            return Self { installing: None, awaited, ready: Ready::default() };
        }
        let work = Work {
            node: packages::node(workspace),
            python: packages::python(workspace),
            tools: tools.to_vec(),
            missing,
            consent,
        };
        Self {
            installing: Some(thread::spawn(move || work.run())),
            awaited,
            ready: Ready::default(),
        }
    }

    /// Returns the reason why `tool` is missing, or `None`. Waits if it is still being installed.
    pub(super) fn lacks(&mut self, tool: Tool) -> Option<String> {
        if self.awaited.contains(&tool) {
            self.wait();
        }
        let (_, reason) = self.ready.lacking.iter().find(|(lacking, _)| *lacking == tool)?;
        Some(reason.clone())
    }

    /// Waits until all installations have finished, and prints what was done.
    pub(super) fn wait(&mut self) {
        let Some(installing) = self.installing.take() else { return };
        self.ready = installing.join().unwrap_or_default();
        for line in &self.ready.log {
            out::line(format_args!("setup: {line}"));
        }
    }
}

/// Work of the background thread.
#[derive(Debug)]
struct Work {
    tools: Vec<Tool>,
    missing: Vec<Tool>,
    consent: Consent,
    node: packages::Install,
    python: packages::Install,
}

impl Work {
    fn run(self) -> Ready {
        let Self { tools, missing, consent, mut node, mut python } = self;
        let mut ready = Ready::default();
        if consent == Consent::Given {
            ready.log.extend(programs::install(&missing));
        }
        for tool in tools {
            let outcome = match tool {
                _ if !is_present(tool) => Err(programs::describe_lack(tool)),
                Tool::Node => node.run(),
                Tool::Python => python.run(),
                Tool::Chromium | Tool::Compiler | Tool::Postgres | Tool::Proxies | Tool::Redis => {
                    Ok(None)
                }
            };
            match outcome {
                Ok(said) => ready.log.extend(said),
                Err(reason) => {
                    ready.log.push(reason.clone());
                    let short = reason.lines().next().unwrap_or_default().to_owned();
                    ready.lacking.push((tool, short));
                }
            }
        }
        ready
    }
}
