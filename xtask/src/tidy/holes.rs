//! Checks that every trap in `docs/holes.md` names a test that exists.
//!
//! A test is named at a line that begins with `Test:`, in backticks: `crate::path::test_name`, or
//! the path of a file when the test is not written in Rust. Only the last part of a name is
//! searched for: it is a whole sentence, so it is not found by chance.

use crate::{report::Problem, workspace::Source};

const DOCUMENT: &str = "docs/holes.md";

/// Compares the document with the sources.
pub(super) fn check(sources: &[Source]) -> Vec<Problem> {
    let Some(document) = sources.iter().find(|source| source.path == DOCUMENT) else {
        return vec![Problem::new(
            DOCUMENT,
            "this file is missing",
            "write down each trap, why it leaks, and the test that keeps it closed",
        )];
    };
    let named = named_tests(&document.text);
    if named.is_empty() {
        return vec![Problem::new(
            DOCUMENT,
            "no test is named",
            "end each trap with a line like: Test: `doorward::admission::name_of_the_test`",
        )];
    }
    named.into_iter().filter(|(_, name)| !exists(name, sources)).map(missing).collect()
}

/// The names at the `Test:` lines, each with the number of its line.
fn named_tests(document: &str) -> Vec<(usize, &str)> {
    let mut named = Vec::new();
    for (number, line) in document.lines().enumerate() {
        let line = line.trim_start_matches([' ', '*', '-', '_']);
        let Some(names) = line.strip_prefix("Test:").or_else(|| line.strip_prefix("Tests:")) else {
            continue;
        };
        // Every second piece between backticks is inside them.
        named.extend(names.split('`').skip(1).step_by(2).map(|name| (number + 1, name)));
    }
    named
}

fn exists(name: &str, sources: &[Source]) -> bool {
    if name.contains('/') {
        return sources.iter().any(|source| source.path == name);
    }
    let function = name.rsplit("::").next().unwrap_or(name);
    let definition = format!("fn {function}(");
    sources.iter().any(|source| source.path.ends_with(".rs") && source.text.contains(&definition))
}

fn missing((line, name): (usize, &str)) -> Problem {
    Problem::new(
        format!("{DOCUMENT}:{line}"),
        format!("the test `{name}` does not exist"),
        "name the test that keeps this trap closed; a renamed test is renamed here too",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(document: &str) -> Vec<Source> {
        let file = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
        vec![
            file(DOCUMENT, document),
            file("crates/core/src/id.rs", "fn an_id_is_random() {}\n"),
            file("e2e/node/refuse.test.mjs", ""),
        ]
    }

    #[test]
    fn existing_tests_and_files_are_accepted() {
        let document =
            "**Test:** `core::id::an_id_is_random`\n- Test: `e2e/node/refuse.test.mjs`\n";

        assert_eq!(check(&sources(document)), []);
    }

    #[test]
    fn every_name_of_a_line_is_checked() {
        let found =
            check(&sources("Tests: `core::id::an_id_is_random`, `core::id::an_id_is_long`"));

        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().contains("docs/holes.md:1"));
    }

    #[test]
    fn the_beginning_of_a_name_is_not_the_name() {
        assert_eq!(check(&sources("Test: `core::id::an_id_is`")).len(), 1);
    }

    #[test]
    fn a_document_without_tests_or_no_document_is_a_problem() {
        assert_eq!(check(&sources("# Holes\n")).len(), 1);
        assert_eq!(check(&[]).len(), 1);
    }
}
