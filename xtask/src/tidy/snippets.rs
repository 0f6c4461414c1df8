//! Checks that a test runs every program, setting and command in the documents.
//!
//! A comment on the line above a fenced block names its source:
//!
//! - `<!-- examples/echo.rs -->`: the block equals that file, letter by letter;
//! - `<!-- examples/echo.rs#connect -->`: the block equals the lines between `#region connect` and `#endregion` of that file;
//! - `<!-- run by e2e/node/docs.test.mjs -->`: that test reads this document and runs the block. On the first line of
//!   a document, the comment applies to all of its blocks;
//! - `<!-- not run: it takes an hour -->`: the reason why no test runs the block.
//!
//! A Rust block needs no comment if rustdoc compiles the document.

mod block;
mod source;

use self::block::{RUN_BY, blocks, comment};
use crate::{report::Problem, workspace::Source};

/// Checks all documents.
pub(super) fn check(sources: &[Source]) -> Vec<Problem> {
    let documents = sources.iter().filter(|source| is_document(&source.path));
    documents.flat_map(|document| check_document(document, sources)).collect()
}

/// Returns `true` for pages outside of crates. rustdoc compiles the chapters inside of crates.
fn is_document(path: &str) -> bool {
    path.ends_with(".md") && !path.starts_with("crates/")
}

fn check_document(document: &Source, sources: &[Source]) -> Vec<Problem> {
    let of_all = comment(document.text.lines().next().unwrap_or_default())
        .filter(|comment| comment.starts_with(RUN_BY));
    let is_compiled = is_compiled(document, sources);
    let mut problems = Vec::new();
    for block in blocks(&document.text) {
        if !COPIED.contains(&block.language()) || (is_compiled && block.is_doctest()) {
            continue;
        }
        let found = match block.comment.or(of_all) {
            Some(comment) => source::check(document, &block, comment, sources),
            None => Some((
                format!("no test runs this block of `{}`", block.language()),
                "name its source on the line above it: `<!-- FILE -->` or `<!-- FILE#REGION -->` for a file that a \
                 test runs, `<!-- run by TEST -->` for a test that reads this document",
            )),
        };
        problems.extend(found.map(|(what, remedy)| {
            Problem::new(format!("{}:{}", document.path, block.line), what, remedy)
        }));
    }
    problems
}

/// Returns `true` if a crate includes the document in its documentation.
fn is_compiled(document: &Source, sources: &[Source]) -> bool {
    let name = format!("../{}\")]", document.path);
    let includes = |source: &Source| source.text.contains(&name);
    sources.iter().any(|source| source.path.ends_with(".rs") && includes(source))
}

/// Languages of blocks that readers copy into programs, settings and terminals.
const COPIED: &[&str] = &[
    "bash",
    "caddy",
    "caddyfile",
    "haproxy",
    "javascript",
    "js",
    "nginx",
    "py",
    "python",
    "rust",
    "sh",
    "shell",
    "toml",
    "ts",
    "typescript",
    "yaml",
];

#[cfg(test)]
mod tests;
