//! Checks the targets of the links in documents.
//!
//! A link inside the repository must lead to a file, and its anchor to a heading of that file. Links
//! to other sites are checked for their form only, so the check needs no network and always gives the
//! same result.

use std::{collections::BTreeMap, path::Path};

use super::page::{Link, Page};
use crate::{report::Problem, workspace::Source};

/// Page that lists all pages of the book.
pub(super) const SUMMARY: &str = "docs/SUMMARY.md";

/// Checks every document. `exists` returns `true` for a path in the repository.
pub(super) fn check(sources: &[Source], exists: &dyn Fn(&str) -> bool) -> Vec<Problem> {
    let pages: BTreeMap<&str, Page> = sources
        .iter()
        .filter(|source| is_document(&source.path))
        .map(|source| (source.path.as_str(), Page::read(&source.text)))
        .collect();
    let mut problems = Vec::new();
    for (path, page) in &pages {
        for link in &page.links {
            problems.extend(problem(path, link, &pages, exists).map(|(what, remedy)| {
                Problem::new(
                    format!("{path}:{}", link.line),
                    format!("the link to {} {what}", link.target),
                    remedy,
                )
            }));
        }
    }
    problems.extend(unlisted(&pages));
    problems
}

/// Returns `true` for pages that people open as files. Chapters inside of crates are part of the
/// documentation of the crate, and rustdoc checks their links.
fn is_document(path: &str) -> bool {
    let is_chapter = path.starts_with("crates/") && !path.ends_with("/README.md");
    path.ends_with(".md") && !is_chapter
}

fn problem(
    from: &str,
    link: &Link,
    pages: &BTreeMap<&str, Page>,
    exists: &dyn Fn(&str) -> bool,
) -> Option<(&'static str, &'static str)> {
    let target = link.target.as_str();
    if is_elsewhere(target) {
        let remedy = "write https:// and the whole name of the site";
        return (!has_form(target)).then_some(("has not the form of an address", remedy));
    }
    if target.starts_with('/') {
        return Some(("begins at no place that a reader has", "write it relative to this file"));
    }
    let (file, anchor) = target.split_once('#').map_or((target, None), |(f, a)| (f, Some(a)));
    let path = if file.is_empty() { Some(from.to_owned()) } else { resolve(from, file) };
    let Some(path) = path.filter(|path| exists(path)) else {
        return Some(("leads to no file of the repository", "name a file relative to this one"));
    };
    let page = pages.get(path.as_str())?;
    let anchor = anchor?;
    (!page.anchors.contains(anchor)).then_some((
        "leads to no heading of that file",
        "write the heading in lower case, with hyphens for spaces and without other signs",
    ))
}

/// Returns `true` for links that leave the repository.
pub(super) fn is_elsewhere(target: &str) -> bool {
    let scheme = target.split_once(':').map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| scheme.chars().all(|c| c.is_ascii_alphabetic()))
}

fn has_form(target: &str) -> bool {
    let Some(rest) = target.strip_prefix("https://").or_else(|| target.strip_prefix("http://"))
    else {
        return target.strip_prefix("mailto:").is_some_and(|address| address.contains('@'));
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let name = host.split(':').next().unwrap_or_default();
    let is_name = name == "localhost" || (name.contains('.') && !name.starts_with('.'));
    is_name && !target.contains(char::is_whitespace)
}

/// Returns the path of a link target from the root of the repository. `None` if it is outside.
pub(super) fn resolve(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// Returns the pages of `docs/` that the summary does not list. They would be missing in the book.
fn unlisted(pages: &BTreeMap<&str, Page>) -> Vec<Problem> {
    let Some(summary) = pages.get(SUMMARY) else {
        return vec![Problem::new(
            SUMMARY,
            "this file is missing",
            "list the pages of docs/ in it",
        )];
    };
    let listed: Vec<String> =
        summary.links.iter().filter_map(|link| resolve(SUMMARY, &link.target)).collect();
    let in_book = pages.keys().filter(|path| path.starts_with("docs/") && **path != SUMMARY);
    in_book
        .filter(|path| !listed.iter().any(|one| one == *path))
        .map(|path| {
            Problem::new(
                *path,
                "the book lacks this page",
                format!("add it to {SUMMARY}, where readers would look for it"),
            )
        })
        .collect()
}

/// Returns `true` if the repository has this file or folder.
pub(super) fn exists(root: &Path, path: &str) -> bool {
    root.join(path).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pages: &[(&str, &str)]) -> Vec<String> {
        let mut sources: Vec<Source> = pages
            .iter()
            .map(|(path, text)| Source { path: (*path).to_owned(), text: (*text).to_owned() })
            .collect();
        if !pages.iter().any(|(path, _)| *path == SUMMARY) {
            sources.push(Source { path: SUMMARY.to_owned(), text: "[a](a.md)\n".to_owned() });
        }
        let files = ["docs", "docs/a.md", "docs/images/a.png", "src/lib.rs", "README.md"];
        let problems = check(&sources, &|path| files.contains(&path));
        problems.iter().map(ToString::to_string).collect()
    }

    fn assert_found(link: &str, wanted: &str) {
        let found = found(&[("docs/a.md", &format!("# A title\n\n[x]({link})\n"))]);
        assert_eq!(found.len(), 1, "{link}: {found:?}");
        assert!(found[0].starts_with("docs/a.md:3") && found[0].contains(wanted), "{found:?}");
    }

    #[test]
    fn links_that_lead_somewhere_are_accepted() {
        for link in [
            "#a-title",
            "a.md#a-title",
            "../README.md",
            "images/a.png",
            "../src/lib.rs",
            "../docs/",
            "https://example.org/a?b=c#d",
            "http://localhost:3000/",
            "mailto:a@example.org",
        ] {
            let text = format!("# A title\n\n[x]({link})\n");
            let found = found(&[("docs/a.md", &text), ("README.md", "# Doorward\n")]);

            assert!(found.is_empty(), "{link}: {found:?}");
        }
    }

    #[test]
    fn a_link_to_a_file_that_does_not_exist_is_found() {
        assert_found("b.md", "leads to no file");
        assert_found("../../a.md", "leads to no file");
        assert_found("/docs/a.md", "begins at no place");
    }

    #[test]
    fn a_link_to_a_heading_that_does_not_exist_is_found() {
        assert_found("#another-title", "leads to no heading");
        assert_found("a.md#A-title", "leads to no heading");
    }

    #[test]
    fn a_link_to_another_site_needs_the_form_of_an_address() {
        for link in ["https://", "https://example", "htps://example.org", "mailto:nowhere"] {
            assert_found(link, "has not the form");
        }
    }

    #[test]
    fn a_page_that_the_summary_does_not_list_is_found() {
        let found = found(&[("docs/a.md", "# A\n"), ("docs/decisions/b.md", "# B\n")]);

        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("docs/decisions/b.md: the book lacks this page"), "{found:?}");
    }

    #[test]
    fn a_book_without_a_summary_is_a_problem() {
        assert_eq!(check(&[], &|_| true).len(), 1);
    }

    #[test]
    fn chapters_of_crates_are_left_to_rustdoc() {
        assert!(found(&[("crates/macros/docs/room.md", "[x](crate::Gateway)")]).is_empty());
    }
}
