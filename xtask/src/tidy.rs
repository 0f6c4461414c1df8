//! Checks what the compiler cannot see: the floors of the house and the shape of its files.
//!
//! Each part returns a list of problems: `floors` reads the dependencies of crates, `folders` the
//! imports inside of a crate, `files` the shape of every source file, `packaged` the files that
//! published crates include, `named_tests` the tests that documents name, `paths` the files that they name, `snippets` the programs in documents, `words` the
//! words in all of them. The links of documents are checked by [`book`].

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

/// Lists every circle and every arrow upwards of one crate, or of all, also of those that are passed
/// over.
pub(crate) fn survey_folders(workspace: &Workspace, only: Option<&str>) -> Result<Report, Failure> {
    folders::survey(&workspace.sources()?, only)
}

/// Counts the words of all files, or of those below one folder, also of those that are passed over.
pub(crate) fn survey_words(workspace: &Workspace, below: Option<&str>) -> Result<Report, Failure> {
    words::survey(&workspace.sources()?, below)
}
