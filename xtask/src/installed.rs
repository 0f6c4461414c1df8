//! Installs programs of the crate registry at a pinned version, into `target/tools`.
//!
//! Nothing outside of the target folder changes, and an installed version is not installed again.

use std::{path::PathBuf, process::Command, time::Duration};

use crate::{out, process, report::Failure, workspace, workspace::Workspace};

/// A program and the version that the project uses.
#[derive(Debug)]
pub(crate) struct Program {
    /// Name of the crate, which is also the name of its program.
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// Additional options of `cargo install`, such as features.
    pub(crate) options: &'static [&'static str],
}

impl Program {
    /// Returns the path of the program. Installs the program first if it is missing or has another version.
    pub(crate) fn install(&self, workspace: &Workspace) -> Result<PathBuf, Failure> {
        let root = workspace.target().join("tools");
        let path = root.join("bin").join(self.name);
        if self.is_installed(&path) {
            return Ok(path);
        }
        let (name, version) = (self.name, self.version);
        out::line(format_args!("setup: installing {name} {version} into {}", root.display()));
        let mut command = workspace::cargo();
        command.args(["install", "--locked", "--force", "--root"]).arg(&root);
        command.args(self.options).arg(format!("{name}@{version}")).current_dir(workspace.root());
        let run = process::run(&mut command, INSTALL_LIMIT, |line| {
            out::progress(&format!("{name}: {line}"));
        });
        out::progress("");
        if run.success {
            return Ok(path);
        }
        Err(Failure::of(format!("cannot install {name} {version}"), run.output))
    }

    fn is_installed(&self, path: &PathBuf) -> bool {
        let Ok(output) = Command::new(path).args(self.version_arguments()).output() else {
            return false;
        };
        is_version(&String::from_utf8_lossy(&output.stdout), self.version)
    }

    /// A subcommand of cargo expects its own name first.
    fn version_arguments(&self) -> Vec<&'static str> {
        let subcommand = self.name.strip_prefix("cargo-");
        subcommand.into_iter().chain(["--version"]).collect()
    }
}

/// `mdbook v0.5.4` and `cargo-mutants 27.1.0` both state the version as the last word.
fn is_version(output: &str, version: &str) -> bool {
    output.split_whitespace().last().is_some_and(|word| word.trim_start_matches('v') == version)
}

/// Time limit of one installation. It is sufficient for a machine with one slow core.
const INSTALL_LIMIT: Duration = Duration::from_mins(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_not_the_pinned_one() {
        assert!(is_version("mdbook v0.5.4\n", "0.5.4"));
        assert!(is_version("cargo-mutants 27.1.0\n", "27.1.0"));

        for other in ["mdbook v0.5.40\n", "mdbook v0.5.3\n", ""] {
            assert!(!is_version(other, "0.5.4"), "{other}");
        }
    }

    #[test]
    fn a_subcommand_of_cargo_gets_its_own_name_first() {
        let program = |name| Program { name, version: "1.0.0", options: &[] }.version_arguments();

        assert_eq!(program("cargo-mutants"), ["mutants", "--version"]);
        assert_eq!(program("mdbook"), ["--version"]);
    }
}
