//! Checks what the compiler cannot see: the floors of the house and the shape of its files.
//!
//! Three parts, each a list of problems: `floors` reads the crates' dependencies, `files` reads every
//! source file, `holes` compares the list of closed traps with the tests that keep them closed.

mod files;
mod floors;
mod holes;

use crate::{
    report::{Failure, Report},
    workspace::Workspace,
};

/// Runs all three parts.
pub(crate) fn check(workspace: &Workspace) -> Result<Report, Failure> {
    let sources = workspace.sources()?;
    let mut problems = floors::check(&workspace.metadata(&["--no-deps"])?);
    problems.extend(files::check(&sources));
    problems.extend(holes::check(&sources));
    Ok(Report::new(format!("{} files are in order", sources.len()), problems))
}
