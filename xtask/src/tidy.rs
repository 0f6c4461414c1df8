//! Checks what the compiler cannot see: the floors of the house and the shape of its files.
//!
//! Four parts, each a list of problems: `floors` reads the crates' dependencies, `files` reads every
//! source file, `named_tests` looks for the tests that documents name, `snippets` for what their
//! programs are copied from.

mod files;
mod floors;
mod named_tests;
mod snippets;

use crate::{
    report::{Failure, Report},
    workspace::Workspace,
};

/// Runs all parts.
pub(crate) fn check(workspace: &Workspace) -> Result<Report, Failure> {
    let sources = workspace.sources()?;
    let mut problems = floors::check(&workspace.metadata(&["--no-deps"])?);
    problems.extend(files::check(&sources));
    problems.extend(named_tests::check(&sources));
    problems.extend(snippets::check(&sources));
    Ok(Report::new(format!("{} files are in order", sources.len()), problems))
}
