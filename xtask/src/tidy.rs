//! Checks what the compiler cannot see: the floors of the house and the shape of its files.
//!
//! Each part returns a list of problems: `floors` reads the dependencies of crates, `folders` the
//! imports inside of a crate, `files` the shape of every source file, `named_tests` the tests that
//! documents name, `snippets` the programs in documents.

mod files;
mod floors;
mod folders;
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
    problems.extend(folders::check(&sources)?);
    problems.extend(files::check(&sources));
    problems.extend(named_tests::check(&sources));
    problems.extend(snippets::check(&sources));
    Ok(Report::new(format!("{} files are in order", sources.len()), problems))
}

/// Lists every circle and every arrow upwards of one crate, or of all, whether tidy enforces them or
/// not.
pub(crate) fn survey(workspace: &Workspace, only: Option<&str>) -> Result<Report, Failure> {
    folders::survey(&workspace.sources()?, only)
}
