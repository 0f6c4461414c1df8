//! Checks the form of every source file: header, length, name, and forbidden text.
//!
//! The forbidden words are put together from two halves here, so that the check does not find this file.

use crate::{report::Problem, workspace::Source};

/// Maximum number of lines of a source file, without its tests.
const MAX_LINES: usize = 400;

/// Files that tidy skips until they are split.
const NOT_YET: &[&str] = &["crates/gateway/src/test/client.rs"];

/// Documents outside of this repository, which a reader could not open.
const OUTSIDE: &[&str] = &[
    concat!("../", "shared"),
    concat!("shared/", "DESIGN"),
    concat!("WIRE", ".md"),
    concat!("STYLE", ".md"),
];

/// Beginning of the tests inside of a file, which are at its end.
const TESTS: &str = "\n#[cfg(test)]\nmod tests {";

const UNFINISHED: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME")];

const CODE: &[&str] = &["js", "mjs", "py", "rs", "sh", "sql", "toml", "ts"];

/// Runs all checks over all files.
pub(super) fn check(sources: &[Source]) -> Vec<Problem> {
    sources.iter().flat_map(check_file).collect()
}

fn check_file(source: &Source) -> Vec<Problem> {
    let mut problems = Vec::new();
    if is_rust(&source.path) {
        problems.extend(header(source));
        problems.extend(name(source));
        problems.extend(length(source));
    }
    problems.extend(private_key(source));
    for (number, line) in source.text.lines().enumerate() {
        problems.extend(line_problem(&source.path, line).map(|(what, remedy)| {
            Problem::new(format!("{}:{}", source.path, number + 1), what, remedy)
        }));
    }
    problems
}

fn header(source: &Source) -> Option<Problem> {
    let stated = source.text.strip_prefix("//! ").is_some_and(|rest| !rest.trim().is_empty());
    (!stated).then(|| {
        Problem::new(
            format!("{}:1", source.path),
            "this file does not begin with a header",
            "begin with `//! ` and one sentence: what does this file decide?",
        )
    })
}

fn name(source: &Source) -> Option<Problem> {
    source.path.ends_with("/mod.rs").then(|| {
        Problem::new(
            &source.path,
            "modules are not spelled mod.rs here",
            "rename it to the folder's name with .rs, beside the folder",
        )
    })
}

/// Finds private keys. A server that a test has started in the wrong folder leaves one behind.
fn private_key(source: &Source) -> Option<Problem> {
    let is_key = source.path.ends_with(".pem") && source.text.contains("PRIVATE KEY");
    is_key.then(|| {
        Problem::new(
            &source.path,
            "a private key does not belong in a repository",
            "remove it from every commit, and let the program that made it write elsewhere",
        )
    })
}

fn length(source: &Source) -> Option<Problem> {
    let without_tests = source.text.split(TESTS).next().unwrap_or_default();
    let lines = without_tests.lines().count();
    let is_due = !is_test(&source.path) && !NOT_YET.contains(&source.path.as_str());
    (is_due && lines > MAX_LINES).then(|| {
        Problem::new(
            &source.path,
            format!("{lines} lines, {MAX_LINES} at most"),
            "split it where its header would need the word `and`, or move tests to tests.rs",
        )
    })
}

fn line_problem(path: &str, line: &str) -> Option<(String, &'static str)> {
    if let Some(found) = OUTSIDE.iter().find(|outside| line.contains(**outside)) {
        let what = format!("mentions {found}, which readers of this repository do not have");
        return Some((what, "say the thing itself, or point to a file in docs/"));
    }
    if !is_code(path) {
        return None;
    }
    if let Some(found) = UNFINISHED.iter().find(|word| has_word(line, word))
        && !links_issue(line)
    {
        return Some((format!("{found} without an issue"), "add the issue's number, as in (#12)"));
    }
    let ignored = line.trim_start().starts_with("#[ignore");
    (ignored && is_rust(path))
        .then(|| ("a test that never runs".to_owned(), "make it pass, or remove it"))
}

fn is_rust(path: &str) -> bool {
    path.ends_with(".rs")
}

fn is_code(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| CODE.contains(&extension))
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.split('/').any(|part| part == "tests")
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == word)
}

fn links_issue(line: &str) -> bool {
    let numbered = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    line.contains("/issues/") || line.split('#').skip(1).any(numbered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(path: &str, text: &str) -> Vec<String> {
        let source = Source { path: path.to_owned(), text: text.to_owned() };
        check(&[source]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_in_order_has_no_problem() {
        assert!(problems("crates/core/src/id.rs", "//! Decides nothing.\n").is_empty());
    }

    #[test]
    fn a_missing_header_is_found_in_tests_too() {
        assert_eq!(problems("crates/core/tests/wire.rs", "use std::fmt;\n").len(), 1);
        assert_eq!(problems("crates/core/src/id.rs", "//!\n//! Late.\n").len(), 1);
    }

    #[test]
    fn a_long_file_is_found_unless_it_holds_tests() {
        let long = format!("//! Long.\n{}", "\n".repeat(MAX_LINES));

        assert_eq!(problems("crates/core/src/id.rs", &long).len(), 1);
        assert!(problems("crates/core/src/id/tests.rs", &long).is_empty());
        assert!(problems("crates/core/tests/id.rs", &long).is_empty());
    }

    #[test]
    fn tests_at_the_end_of_a_file_do_not_make_it_long() {
        let end = format!("{TESTS}\n{}}}\n", "\n".repeat(MAX_LINES));

        assert!(problems("crates/core/src/id.rs", &format!("//! Short.\n{end}")).is_empty());
    }

    #[test]
    fn unfinished_work_needs_an_issue() {
        let word = UNFINISHED[0];

        assert_eq!(problems("e2e/a.mjs", &format!("// {word}: later")).len(), 1);
        assert!(problems("e2e/a.mjs", &format!("// {word}(#12): later")).is_empty());
        assert!(problems("docs/a.md", &format!("no {word} here")).is_empty());
        assert!(problems("e2e/a.mjs", &format!("{word}S")).is_empty());
    }

    #[test]
    fn documents_outside_the_repository_are_not_mentioned() {
        for outside in OUTSIDE {
            assert_eq!(problems("README.md", &format!("see {outside}")).len(), 1, "{outside}");
        }
    }

    #[test]
    fn a_module_file_and_a_test_that_never_runs_are_found() {
        let ignored = concat!("//! Tests.\n#[", "ignore = \"slow\"]\n");

        assert_eq!(problems("crates/core/src/id/mod.rs", "//! Ids.\n").len(), 1);
        assert_eq!(problems("crates/core/tests/id.rs", ignored).len(), 1);
    }
}
