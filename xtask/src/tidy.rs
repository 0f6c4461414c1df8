//! Checks rules that the compiler does not check, such as the floors of crates and the form of files.
//!
//! Each part returns a list of problems: `floors` reads the dependencies of crates, `folders` the
//! imports inside of a crate, `files` the form of every source file, `packaged` the files that
//! published crates include, `named_tests` the tests that documents name, `paths` the files that
//! documents name, `snippets` the programs in documents, and `words` the words in all texts. [`book`]
//! checks the links of documents.

mod files;
mod floors;
mod folders;
mod named_tests;
mod packaged;
mod paths;
mod snippets;
mod syntax;
mod words;

use crate::{
    book,
    report::{Failure, Report},
    workspace::Workspace,
};

/// Runs all parts.
pub(crate) fn check(workspace: &Workspace) -> Result<Report, Failure> {
    let sources = workspace.sources()?;
    let metadata = workspace.metadata(&["--no-deps"])?;
    let mut problems = floors::check(&metadata);
    problems.extend(packaged::check(workspace.root(), &metadata, &sources)?);
    problems.extend(folders::check(&sources)?);
    problems.extend(files::check(&sources));
    problems.extend(named_tests::check(&sources));
    problems.extend(paths::check(&sources));
    problems.extend(snippets::check(&sources));
    problems.extend(book::check_links(workspace.root(), &sources));
    problems.extend(words::check(&sources));
    Ok(Report::new(format!("{} files are in order", sources.len()), problems))
}

/// Lists every import cycle and every import from a higher floor, in one crate or in all. Crates that
/// [`check`] skips are included.
pub(crate) fn survey_folders(workspace: &Workspace, only: Option<&str>) -> Result<Report, Failure> {
    folders::survey(&workspace.sources()?, only)
}

/// Counts the banned words in all files, or in the files of one folder. Files that [`check`] skips are
/// included.
pub(crate) fn survey_words(workspace: &Workspace, below: Option<&str>) -> Result<Report, Failure> {
    words::survey(&workspace.sources()?, below)
}
