//! Checks that the files named in ARCHITECTURE.md and CONTRIBUTING.md exist.
//!
//! A path in backticks has a slash, and ends with `.rs`, or with a slash for a folder. It is relative to
//! the repository, to `crates/`, or to `crates/gateway/src/`.

use crate::{report::Problem, workspace::Source};

const DOCUMENTS: [&str; 2] = ["ARCHITECTURE.md", "CONTRIBUTING.md"];

const BASES: [&str; 3] = ["", "crates/", "crates/gateway/src/"];

/// Folders that tools and builds create. They are not part of the repository.
const MADE: &[&str] = &["target/", "node_modules/"];

/// Placeholders for any name.
const EXAMPLES: &[&str] = &["foo/", "NAME"];

/// Compares the documents with the files.
pub(super) fn check(sources: &[Source]) -> Vec<Problem> {
    let documents = sources.iter().filter(|source| DOCUMENTS.contains(&source.path.as_str()));
    documents.flat_map(|document| check_document(document, sources)).collect()
}

fn check_document(document: &Source, sources: &[Source]) -> Vec<Problem> {
    let lines = document.text.lines().enumerate();
    let named = lines.flat_map(|(at, line)| paths(line).map(move |path| (at + 1, path)));
    let missing = named.filter(|(_, path)| !exists(path, sources));
    let problem = |(line, path)| {
        Problem::new(
            format!("{}:{line}", document.path),
            format!("there is no {path}"),
            "name the file that is meant; a renamed file is renamed here too",
        )
    };
    missing.map(problem).collect()
}

fn paths(line: &str) -> impl Iterator<Item = &str> {
    let named = line.split('`').skip(1).step_by(2);
    named.filter(|path| {
        let is_path = path.ends_with('/') || path.contains('/') && path.ends_with(".rs");
        let is_example = EXAMPLES.iter().any(|word| path.contains(word));
        is_path && !is_example && !path.starts_with('/') && !path.contains([' ', '*', '<', '{'])
    })
}

fn exists(path: &str, sources: &[Source]) -> bool {
    let is_named = |base: &str| {
        let full = format!("{base}{path}");
        let is_it = |source: &Source| {
            source.path == full || path.ends_with('/') && source.path.starts_with(&full)
        };
        sources.iter().any(is_it)
    };
    MADE.contains(&path) || BASES.into_iter().any(is_named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let file = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
        let sources = [
            file("ARCHITECTURE.md", text),
            file("crates/core/src/id.rs", ""),
            file("crates/gateway/src/link/task.rs", ""),
        ];
        check(&sources).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn files_and_folders_that_exist_are_accepted() {
        let text =
            "`link/task.rs`, `core/src/id.rs`, `crates/core/`, `task.rs`, `/auth/`, `target/`";

        assert_eq!(problems(text), [""; 0]);
    }

    #[test]
    fn a_file_that_has_moved_is_named_with_its_line() {
        let found = problems("first\n`link/task.rs` and `link/driver.rs`\n`core/wire/`");

        assert_eq!(found.len(), 2);
        assert!(found[0].contains("ARCHITECTURE.md:2") && found[0].contains("link/driver.rs"));
        assert!(found[1].contains("core/wire/"));
    }
}
