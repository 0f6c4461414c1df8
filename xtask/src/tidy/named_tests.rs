//! Checks that the tests named in documents exist.
//!
//! A test is named in backticks: `crate::path::test_name`, or the path of a file when the test is not
//! written in Rust. The test must be in a file or a module with the name of the last module in the path.
//! One document names tests on lines that begin with `Test:`, the others in the last column of their
//! tables.

use crate::{report::Problem, workspace::Source};

/// A document, and the function that finds the names of tests in it.
struct Document {
    path: &'static str,
    named: fn(&str) -> Vec<(usize, &str)>,
}

const DOCUMENTS: [Document; 7] = [
    Document { path: "docs/attacks.md", named: in_last_columns },
    Document { path: "docs/faults.md", named: in_last_columns },
    Document { path: "docs/holes.md", named: at_test_lines },
    Document { path: "docs/from-nestjs.md", named: in_last_columns },
    Document { path: "docs/identity.md", named: in_last_columns },
    Document { path: "docs/input.md", named: in_last_columns },
    Document { path: "docs/proof.md", named: in_last_columns },
];

/// Compares the documents with the sources.
pub(super) fn check(sources: &[Source]) -> Vec<Problem> {
    DOCUMENTS.iter().flat_map(|document| compare(document, sources)).collect()
}

fn compare(document: &Document, sources: &[Source]) -> Vec<Problem> {
    let Some(found) = sources.iter().find(|source| source.path == document.path) else {
        return vec![Problem::new(
            document.path,
            "this file is missing",
            "write down what it promises and the test that shows it",
        )];
    };
    let named = (document.named)(&found.text);
    if named.is_empty() {
        return vec![Problem::new(
            document.path,
            "no test is named",
            "name the test that shows it, like: `doorward::admission::name_of_the_test`",
        )];
    }
    let unknown = named.into_iter().filter(|(_, name)| !exists(name, sources));
    unknown.map(|(line, name)| missing(document.path, line, name)).collect()
}

/// Returns the names on lines that begin with `Test:` or `Tests:`, each with its line number.
fn at_test_lines(document: &str) -> Vec<(usize, &str)> {
    let lines = document.lines().enumerate().filter_map(|(number, line)| {
        let line = line.trim_start_matches([' ', '*', '-', '_']);
        let names = line.strip_prefix("Test:").or_else(|| line.strip_prefix("Tests:"))?;
        Some((number + 1, names))
    });
    lines.flat_map(in_backticks).collect()
}

/// Returns the names in the last column of tables, each with its line number.
fn in_last_columns(document: &str) -> Vec<(usize, &str)> {
    let lines = document.lines().enumerate().filter_map(|(number, line)| {
        let row = line.strip_prefix('|')?.trim_end().strip_suffix('|')?;
        Some((number + 1, row.rsplit_once('|')?.1))
    });
    lines.flat_map(in_backticks).collect()
}

/// Returns the texts in backticks: every second piece between backticks is inside them.
fn in_backticks((number, text): (usize, &str)) -> impl Iterator<Item = (usize, &str)> {
    text.split('`').skip(1).step_by(2).map(move |name| (number, name))
}

fn exists(name: &str, sources: &[Source]) -> bool {
    if name.contains('/') {
        return sources.iter().any(|source| source.path == name);
    }
    let mut parts = name.rsplit("::");
    let function = parts.next().unwrap_or(name);
    // Module of the test. `tests` and `it` do not identify a module; a name of two parts has only a crate.
    let module = parts.find(|part| !["tests", "it"].contains(part)).unwrap_or_default();
    let module = if parts.next().is_some() { module } else { "" };
    let is_of = |source: &Source, name: &str| {
        let file = format!("/{name}.rs");
        source.path.ends_with(&file) || source.path.contains(&format!("/{name}/"))
    };
    // A rule for stores is a test of every type of store.
    let definitions = [format!("fn {function}("), format!("fn {function}<")];
    let is_module = |source: &Source| is_of(source, function) && source.path.contains("/tests/");
    let defines = |source: &Source| {
        let is_module = module.is_empty()
            || is_of(source, module)
            || source.text.contains(&format!("mod {module} "));
        is_module && definitions.iter().any(|one| source.text.contains(one))
    };
    sources.iter().any(is_module)
        || sources.iter().any(|source| source.path.ends_with(".rs") && defines(source))
}

fn missing(document: &str, line: usize, name: &str) -> Problem {
    Problem::new(
        format!("{document}:{line}"),
        format!("the test `{name}` does not exist"),
        "name the test that shows it; a renamed test is renamed here too",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "| x | `y` |\n|---|---|\n| x | `core::id::an_id_is_random` |\n";

    fn file(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    fn sources(document: &str) -> Vec<Source> {
        vec![
            file("docs/attacks.md", &TABLE.replace("`y`", "shown by")),
            file("docs/faults.md", &TABLE.replace("`y`", "shown by")),
            file("docs/holes.md", document),
            file("docs/from-nestjs.md", &TABLE.replace("`y`", "shown by")),
            file("docs/identity.md", &TABLE.replace("`y`", "shown by")),
            file("docs/input.md", &TABLE.replace("`y`", "shown by")),
            file("docs/proof.md", &TABLE.replace("`y`", "shown by")),
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
    fn a_test_that_has_moved_to_another_module_is_missing() {
        let found = check(&sources("Test: `core::ticket::an_id_is_random`"));

        assert_eq!(found.len(), 1);
    }

    #[test]
    fn the_beginning_of_a_name_is_not_the_name() {
        assert_eq!(check(&sources("Test: `core::id::an_id_is`")).len(), 1);
    }

    #[test]
    fn a_rule_of_stores_is_a_test() {
        let mut sources = sources("Test: `testkit::accounts::a_code_is_good_once`");
        assert_eq!(check(&sources).len(), 1);

        let rule = "pub async fn a_code_is_good_once<S: AccountStore>(store: Arc<S>) {}\n";
        sources.push(file("crates/testkit/src/conformance/accounts.rs", rule));

        assert_eq!(check(&sources), []);
    }

    #[test]
    fn a_document_without_tests_or_no_document_is_a_problem() {
        assert_eq!(check(&sources("# Holes\n")).len(), 1);
        assert_eq!(check(&[]).len(), DOCUMENTS.len());
    }

    #[test]
    fn the_last_column_of_a_table_is_checked() {
        let named: Vec<_> = in_last_columns(TABLE);

        assert_eq!(named, [(1, "y"), (3, "core::id::an_id_is_random")]);
    }
}
