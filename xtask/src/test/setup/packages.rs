//! Installs the packages of npm and pip that the end-to-end tests use, at exactly the locked versions.
//!
//! A stamp beside the installed packages contains the hash of the list from which they were installed.
//! While the hash matches, nothing is installed and no network is needed.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use sha2::{Digest, Sha256};

use super::super::steps::{output_folder, python_program};
use crate::{process, workspace::Workspace};

/// A list of packages with the commands that install them.
#[derive(Debug)]
pub(super) struct Install {
    name: &'static str,
    list: PathBuf,
    stamp: PathBuf,
    commands: Vec<Command>,
}

/// Returns the packages of npm, which are installed into `e2e/node_modules`.
pub(super) fn node(workspace: &Workspace) -> Install {
    let folder = workspace.root().join("e2e");
    let mut install = Command::new("npm");
    // Install scripts of packages are not run, because none of these packages needs one.
    install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder);
    Install {
        name: "npm ci",
        list: folder.join("package-lock.json"),
        stamp: folder.join("node_modules/.doorward-stamp"),
        commands: vec![install],
    }
}

/// Returns the packages of pip, which are installed into a virtual environment in the target folder.
pub(super) fn python(workspace: &Workspace) -> Install {
    let list = workspace.root().join("e2e/requirements.txt");
    let venv = output_folder(workspace).join("venv");
    let mut create = Command::new("python3");
    create.args(["-m", "venv", "--clear"]).arg(&venv);
    let mut install = Command::new(python_program(workspace));
    install.args(["-m", "pip", "install", "--quiet", "--no-input", "--requirement"]).arg(&list);
    Install {
        name: "pip install",
        list,
        stamp: venv.join(".doorward-stamp"),
        commands: vec![create, install],
    }
}

impl Install {
    /// Installs the packages if the list has changed, and returns a line for the log.
    pub(super) fn run(&mut self) -> Result<Option<String>, String> {
        let list = fs::read(&self.list)
            .map_err(|error| format!("cannot read {}: {error}", self.list.display()))?;
        let wanted = format!("{:02x?}", Sha256::digest(list));
        if fs::read_to_string(&self.stamp).is_ok_and(|found| found == wanted) {
            return Ok(None);
        }
        let started = process::now();
        for command in &mut self.commands {
            let run = process::run(command, INSTALL_LIMIT, |_| {});
            if !run.success {
                return Err(format!("`{}` failed\n{}", process::describe(command), run.output));
            }
        }
        fs::write(&self.stamp, wanted)
            .map_err(|error| format!("cannot write {}: {error}", self.stamp.display()))?;
        Ok(Some(format!("{} took {:.1} s", self.name, started.elapsed().as_secs_f64())))
    }
}

/// Time limit of one installation. When it is exceeded, the steps that need the packages are skipped.
const INSTALL_LIMIT: Duration = Duration::from_mins(10);
