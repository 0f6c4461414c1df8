//! Compares a block with the source that its comment names.

use super::block::{Block, NOT_RUN, RUN_BY};
use crate::workspace::Source;

/// A problem, and its remedy.
type Found = (String, &'static str);

pub(super) fn check(
    document: &Source,
    block: &Block<'_>,
    comment: &str,
    sources: &[Source],
) -> Option<Found> {
    if let Some(reason) = comment.strip_prefix(NOT_RUN) {
        return reason.trim().is_empty().then(|| {
            ("no reason is given".to_owned(), "say why no test runs this block, or let one run it")
        });
    }
    if let Some(test) = comment.strip_prefix(RUN_BY) {
        let reads = |source: &&Source| source.path == test && source.text.contains(&document.path);
        return sources.iter().find(reads).is_none().then(|| {
            (
                format!("{test} does not read {}", document.path),
                "name the test that reads this document and runs its blocks",
            )
        });
    }
    let (path, region) =
        comment.split_once('#').map_or((comment, None), |(path, region)| (path, Some(region)));
    let Some(source) = sources.iter().find(|source| source.path == path) else {
        return Some((
            format!("there is no file {path}"),
            "name a file from the root of the repository",
        ));
    };
    let wanted = match region {
        None => source.text.lines().collect(),
        Some(name) => match lines_of(&source.text, name) {
            Some(lines) => lines,
            None => {
                return Some((
                    format!("{path} has no region {name}"),
                    "put the lines between comments `#region NAME` and `#endregion`",
                ));
            }
        },
    };
    if let Some(differs) = difference(&block.lines, &wanted) {
        return Some((
            format!("this block is not {comment}: {differs}"),
            "copy it from the file: the file is what a test runs",
        ));
    }
    (!is_run(path, sources)).then(|| {
        (
            format!("no test names {path}"),
            "add a test to e2e/ that runs it and compares what it prints",
        )
    })
}

/// Returns the lines of a region, without the comments of regions inside it and without its
/// indentation.
fn lines_of<'a>(text: &'a str, name: &str) -> Option<Vec<&'a str>> {
    let begins = |line: &str| line.trim_end().ends_with(&format!("#region {name}"));
    let mut depth = 1;
    let inside: Vec<_> = text
        .lines()
        .skip_while(|line| !begins(line))
        .skip(1)
        .take_while(|line| {
            depth += i32::from(line.contains("#region ")) - i32::from(line.contains("#endregion"));
            depth > 0
        })
        .filter(|line| !line.contains("#region ") && !line.contains("#endregion"))
        .collect();
    if depth > 0 {
        return None;
    }
    let indentation = |line: &&str| line.len() - line.trim_start().len();
    let common = inside.iter().filter(|line| !line.is_empty()).map(indentation).min()?;
    Some(inside.into_iter().map(|line| line.get(common..).unwrap_or_default()).collect())
}

/// Describes the first line that differs. Empty lines at the beginning and the end do not count.
fn difference(block: &[&str], wanted: &[&str]) -> Option<String> {
    let (block, wanted) = (trimmed(block), trimmed(wanted));
    let longest = block.len().max(wanted.len());
    let at = (0..longest).find(|&at| block.get(at) != wanted.get(at))?;
    let said =
        |lines: &[&str]| lines.get(at).map_or("the end".to_owned(), |line| format!("`{line}`"));
    Some(format!("line {} is {} here and {} there", at + 1, said(block), said(wanted)))
}

fn trimmed<'a, 'b>(mut lines: &'b [&'a str]) -> &'b [&'a str] {
    while let [rest @ .., ""] = lines {
        lines = rest;
    }
    while let ["", rest @ ..] = lines {
        lines = rest;
    }
    lines
}

/// Returns `true` if a test names the file, or if the file is a test.
fn is_run(path: &str, sources: &[Source]) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.split('.').next().unwrap_or(file);
    let mut tests = sources.iter().filter(|source| is_test(&source.path));
    tests.any(|test| test.path == path || test.text.contains(stem))
}

fn is_test(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    path.starts_with("e2e/") && (file.contains(".test.") || file.starts_with("test_"))
}
